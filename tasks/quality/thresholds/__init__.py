"""Thresholds of a metric: programs that find them from the values of a group of cells, wherever these lie."""
