"""Ways to find a cell in its stamp, one per file."""
