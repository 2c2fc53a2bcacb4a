"""Forms of the feature table, one per file."""
