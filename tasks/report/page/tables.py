"""The published tables, some rows at a time, whatever their columns are called."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from tasks.core.dictionary import meta_definitions, read_dictionary
from tasks.core.file_names import CELLS, FEATURES_FOLDER

ROWS = 1 << 16
"""Rows of a table with few columns that are in memory at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTable:
    """The feature table in its parts.

    Parameters
    ----------
    parts
        Its files, in order.
    dictionary
        What `read_dictionary` tells of its columns.
    """

    parts: tuple[Path, ...]
    dictionary: pl.DataFrame

    @classmethod
    def of(cls, output: Path) -> "FeatureTable":
        """Find the feature table of an output folder.

        Raises
        ------
        FileNotFoundError
            There is none.
        """
        parts = tuple(sorted((output / FEATURES_FOLDER).glob("part-*.parquet")))
        if not parts:
            raise FileNotFoundError(f"{output / FEATURES_FOLDER} holds no part-….parquet")
        return cls(parts=parts, dictionary=read_dictionary(parts[0]))

    @property
    def features(self) -> pl.DataFrame:
        """Rows of the dictionary that describe features."""
        return self.dictionary.filter(pl.col("family") != "meta")

    @property
    def rows(self) -> int:
        """Number of its rows."""
        return sum(pq.ParquetFile(part).metadata.num_rows for part in self.parts)

    def meta(self, native: str) -> str | None:
        """Name that a metadata column, called ``meta__…`` in other tables, has in this one; None where it has none."""
        definition = meta_definitions([native])[native]
        names = self.dictionary.filter(family="meta", definition=definition)["name"]
        return names[0] if len(names) else None

    def batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield some columns, a row group at a time."""
        for part in self.parts:
            file = pq.ParquetFile(part)
            for group in range(file.metadata.num_row_groups):
                yield pl.DataFrame(pl.from_arrow(file.read_row_group(group, columns=list(columns))))


def cell_batches(output: Path, columns: Sequence[str], *, first_object: str | None) -> Iterator[pl.DataFrame]:
    """Yield some columns of the cells that were found, without their children."""
    file = pq.ParquetFile(output / CELLS)
    kind = "meta__object_name"
    named = kind in file.schema_arrow.names
    for batch in file.iter_batches(ROWS, columns=[*columns, *([kind] if named else [])]):
        table = pl.DataFrame(pl.from_arrow(batch))
        yield (table.filter(pl.col(kind) == first_object) if named else table).select(columns)
