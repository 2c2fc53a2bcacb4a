"""Methods that find objects in fields of many cells, one per file."""
