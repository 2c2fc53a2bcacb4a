"""Tests of whole channels, one per file."""
