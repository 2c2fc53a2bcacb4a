"""The groups that a run's images form, known from their metadata before any pixel is read."""

from pathlib import Path

import polars as pl

from tasks.ingest.listing import Ingested


def present_groups(listed: Ingested, *, group_by: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Return the groups that the images of a run form; metadata that it does not have is empty text."""
    index = pl.scan_parquet(Path(listed.folder) / "index.parquet", glob=False)
    there = index.collect_schema().names()
    columns = [
        (pl.col(f"meta__{name}") if f"meta__{name}" in there else pl.lit("")).fill_null("").alias(name)
        for name in group_by
    ]
    return set(index.select(columns).unique().collect().rows()) if columns else {()}
