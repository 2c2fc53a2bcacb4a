"""One pass over the whole feature table: which columns say nothing, and the rows of the cells that are shown."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from tasks.core.types import AnyArray
from tasks.report.page.tables import FeatureTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What one pass over the feature table tells.

    Parameters
    ----------
    columns
        A row per feature: ``name``, ``missing`` (rows that are NaN or infinite), ``low``, ``high`` (of the others; NaN
        where there are none).
    rows
        Number of rows of the table.
    shown
        The rows of shown cells: ``image``, ``object``, and the features under their own names.
    """

    columns: pl.DataFrame
    rows: int
    shown: pl.DataFrame

    @property
    def constant(self) -> list[str]:
        """Features that have one value in all rows where they have any; none in a table of a single row."""
        alike = self.columns.filter((pl.col("low") == pl.col("high")) & (pl.lit(self.rows) - pl.col("missing") > 1))
        return alike["name"].to_list()

    @property
    def empty(self) -> list[str]:
        """Features that are missing in every row."""
        return self.columns.filter((pl.col("missing") == self.rows) & (pl.lit(self.rows) > 0))["name"].to_list()


def survey(table: FeatureTable, *, shown: Iterable[tuple[str, int]]) -> Survey:
    """Read the feature table once, a row group at a time.

    Parameters
    ----------
    shown
        Image and object of the cells whose rows are returned, in this order; those that are not in the table are left
        out.
    """
    image, number = table.meta("meta__image"), table.meta("meta__object")
    names = table.features["name"].to_list()
    wanted = pl.DataFrame(list(shown), schema={"image": pl.String(), "object": pl.Int64()}, orient="row")
    wanted = wanted.with_row_index("place")
    missing = np.zeros(len(names), dtype=np.int64)
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    rows, parts = 0, []
    for batch in table.batches([str(image), str(number), *names]):
        rows += len(batch)
        values = batch.select(names).to_numpy()
        finite = np.isfinite(values)
        missing += len(batch) - finite.sum(axis=0)
        low = np.minimum(low, values.min(axis=0, where=finite, initial=np.inf))
        high = np.maximum(high, values.max(axis=0, where=finite, initial=-np.inf))
        identity = {str(image): "image", str(number): "object"}
        own = batch.rename(identity).with_columns(pl.col("object").cast(pl.Int64))
        parts.append(wanted.join(own, on=["image", "object"], how="inner"))
    schema = {"place": pl.UInt32(), "image": pl.String(), "object": pl.Int64()} | dict.fromkeys(names, pl.Float32())
    found = pl.concat(parts) if parts else pl.DataFrame(schema=schema)
    columns = {"name": names, "missing": missing, "low": _or_nan(low), "high": _or_nan(high)}
    return Survey(columns=pl.DataFrame(columns), rows=rows, shown=found.sort("place").drop("place"))


def _or_nan(values: AnyArray) -> AnyArray:
    return np.where(np.isfinite(values), values, np.nan)
