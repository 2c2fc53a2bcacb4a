"""Images that were set aside, and columns that say nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow.parquet as pq

from tasks.core.file_names import QUARANTINE
from tasks.report.page.gather import Gathered

MOST_IMAGES = 200
MOST_COLUMNS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineSection:
    """Images set aside: the first of them, and how many there are by the kind of error."""

    total: int
    kinds: Sequence[tuple[str, int]]
    images: Sequence[tuple[str, str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnsSection:
    """Columns that have one value, none at all, or lack it in some cells (with how many), by name."""

    features: int
    constant: Sequence[str]
    empty: Sequence[str]
    partial: Sequence[tuple[str, int]]
    partial_total: int
    rows: int


def quarantine_section(gathered: Gathered) -> QuarantineSection:
    """List the images that could not be used."""
    path = gathered.output / QUARANTINE
    total = 0
    kinds: dict[str, int] = {}
    first: list[tuple[str, str, str, str]] = []
    if path.is_file():
        file = pq.ParquetFile(path)
        total = file.metadata.num_rows
        for batch in file.iter_batches(columns=["meta__image", "stage", "error", "message"]):
            table = pl.DataFrame(pl.from_arrow(batch))
            for kind, number in table["error"].value_counts().iter_rows():
                kinds[kind] = kinds.get(kind, 0) + number
            first += [
                (image, stage, error, text) for image, stage, error, text in table.head(MOST_IMAGES - len(first)).rows()
            ]
    return QuarantineSection(total=total, kinds=sorted(kinds.items(), key=lambda kind: -kind[1]), images=first)


def columns_section(gathered: Gathered) -> ColumnsSection:
    """List the columns of which a model learns nothing, or not of every cell."""
    survey = gathered.survey
    partial = survey.columns.filter((pl.col("missing") > 0) & (pl.col("missing") < survey.rows))
    most = partial.sort("missing", "name", descending=[True, False]).head(MOST_COLUMNS)
    return ColumnsSection(
        features=len(survey.columns),
        constant=survey.constant,
        empty=survey.empty,
        partial=most.select("name", "missing").rows(),
        partial_total=len(partial),
        rows=survey.rows,
    )
