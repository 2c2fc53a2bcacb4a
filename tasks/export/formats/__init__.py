"""Forms of the feature table, one per file; importing this package registers them."""

from tasks.export.formats import csv, parquet

__all__ = ["csv", "parquet"]
