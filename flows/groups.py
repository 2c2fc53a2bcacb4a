"""The groups that a run's images form, known from their metadata before any pixel is read."""

from pathlib import Path

import polars as pl

from tasks.ingest.listing import Ingested


def listed_images(listed: Ingested) -> pl.LazyFrame:
    """Return the table of a run's images, as ingest has written it."""
    return pl.scan_parquet(Path(listed.folder) / "index.parquet", glob=False)


def present_groups(images: pl.LazyFrame, *, group_by: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Return the groups that images form; metadata that they do not have is empty text."""
    there = images.collect_schema().names()
    columns = [
        (pl.col(f"meta__{name}") if f"meta__{name}" in there else pl.lit("")).fill_null("").alias(name)
        for name in group_by
    ]
    return set(images.select(columns).unique().collect().rows()) if columns else {()}
