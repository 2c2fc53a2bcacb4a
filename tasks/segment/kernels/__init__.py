"""Segmentation, compiled."""
