"""Tests of whole channels, one per file; importing this package registers them."""

from tasks.mask.filters import normaltest, std, value_range

__all__ = ["normaltest", "std", "value_range"]
