"""Compiled decoders."""
