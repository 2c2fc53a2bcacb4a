"""What a run's images had that is worth a word: equal pixels under two names, and changes while the run went on."""

from pathlib import Path

import polars as pl

from tasks.core.errors import InputChangedError
from tasks.core.file_names import IMAGES
from tasks.core.work import Frozen
from tasks.ingest.listing import ImageListing

EXAMPLES = 5
"""Images named in a summary; images.parquet has the digests of all."""


class EqualImages(Frozen):
    """Images with the pixels of an earlier one: how many, and names of some, each after the one that it equals."""

    images: int = 0
    examples: tuple[tuple[str, str], ...] = ()


def equal_images(output: Path) -> EqualImages:
    """Find images of equal pixels in the published table, in its order."""
    table = pl.scan_parquet(output / IMAGES, glob=False).select("meta__image", "digest").drop_nulls("digest")
    first = pl.col("meta__image").first().over("digest")
    repeated = table.with_columns(first=first).filter(pl.col("first") != pl.col("meta__image")).collect()
    examples = repeated.head(EXAMPLES).select("first", "meta__image").rows()
    return EqualImages(images=len(repeated), examples=tuple(examples))


def redone_images(before: ImageListing, after: ImageListing, *, error: InputChangedError) -> tuple[str, ...]:
    """Name the images that changed while a run went on: those that it met, and those listed differently now."""
    columns = ["image", "sizes", "mtimes_ns"]
    both = after.index.select(columns).join(before.index.select(columns), on="image", suffix="_before", how="inner")
    differs = (pl.col("sizes") != pl.col("sizes_before")) | (pl.col("mtimes_ns") != pl.col("mtimes_ns_before"))
    return tuple(dict.fromkeys([*error.images, *both.filter(differs)["image"]]))
