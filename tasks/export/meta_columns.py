"""The columns of the feature table that are no features, as formats need them that cannot hold text of any kind."""

from dataclasses import dataclass

import polars as pl
import pyarrow as pa
from natsort import natsorted

from tasks.core.storage import read_table
from tasks.export.registry import FeatureTable

TEXTS = (pa.string(), pa.large_string())


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaColumn:
    """A column that is no feature.

    Parameters
    ----------
    name, dtype
        As in the table.
    missing
        Whether a value is missing.
    values
        Of a text its different values in natural order, unless they are too many; None of numbers.
    """

    name: str
    dtype: pa.DataType
    missing: bool
    values: tuple[str, ...] | None

    @property
    def text(self) -> bool:
        """Whether it holds text."""
        return self.dtype in TEXTS


def meta_columns(table: FeatureTable, *, most: int) -> tuple[MetaColumn, ...]:
    """Look through the columns of a table that are no features, partition by partition.

    Parameters
    ----------
    most
        How many different texts of a column are kept in memory.
    """
    features = set(table.features)
    fields = {field.name: field.type for field in table.schema if field.name not in features}
    found = {name: set[str]() for name, dtype in fields.items() if dtype in TEXTS}
    missing = dict.fromkeys(fields, False)
    for file in table.files:
        for name, column in read_table(file, columns=list(fields)).to_dict().items():
            missing[name] |= column.null_count() > 0
            if name in found and len(found[name]) <= most:
                found[name].update(column.drop_nulls().unique())
    return tuple(
        MetaColumn(
            name=name,
            dtype=dtype,
            missing=missing[name],
            values=tuple(natsorted(sorted(found[name]))) if len(found.get(name, range(most + 1))) <= most else None,
        )
        for name, dtype in fields.items()
    )


def value_numbers(column: pl.Series, *, values: tuple[str, ...]) -> pl.Series:
    """Replace texts by their places in `values`, from 0; a missing one stays missing."""
    return column.cast(pl.Enum(values)).to_physical()
