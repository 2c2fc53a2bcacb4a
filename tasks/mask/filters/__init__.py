"""Tests of whole channels, one per file; importing this package registers them."""

from tasks.mask.filters import normaltest

__all__ = ["normaltest"]
