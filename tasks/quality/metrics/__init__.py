"""The quality metrics, found by scanning: a new one needs no list."""
