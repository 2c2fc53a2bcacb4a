"""Ingest: which images there are, which channels they have, and their pixels, a batch at a time."""
