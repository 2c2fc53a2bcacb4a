"""Features of cells: pixels and regions in, one row of numbers per cell out."""

from tasks.features.all_families import feature_columns, measure
from tasks.features.config import Features
from tasks.features.warm import warm

__all__ = ["Features", "feature_columns", "measure", "warm"]
