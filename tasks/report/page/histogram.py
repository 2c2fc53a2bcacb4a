"""Histograms of columns over all rows, in groups, with bounded memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tasks.core.types import FloatArray

BINS = 40
TAIL = 0.005
"""Share of the values at either end that need not be told apart."""

SKEWED = 8.0
"""Ratio of large values to the median, all above zero, from which on a logarithmic axis is easier to read."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bins:
    """Bins side by side.

    Parameters
    ----------
    edges
        (n + 1,) float64, rising. What lies beyond counts to the first or the last bin.
    logarithmic
        Whether they are equally wide on a logarithmic axis.
    """

    edges: FloatArray
    logarithmic: bool = False

    @property
    def count(self) -> int:
        """Number of bins."""
        return len(self.edges) - 1

    def place(self, values: FloatArray) -> FloatArray:
        """(N,) number of each value's bin; -1 of a value that is NaN or infinite.

        Examples
        --------
        >>> Bins(edges=np.array([0.0, 1.0, 2.0])).place(np.array([-5.0, 1.0, 2.0, np.nan])).tolist()
        [0, 1, 1, -1]
        """
        places = np.clip(np.searchsorted(self.edges, values, side="right") - 1, 0, self.count - 1)
        return np.where(np.isfinite(values), places, -1)


def choose_bins(values: FloatArray, *, include: Iterable[float] = (), count: int = BINS) -> Bins:
    """Choose bins in which the bulk of some values can be told apart.

    Parameters
    ----------
    values
        A sample of the values; what is not finite is left out.
    include
        Values that have to lie within the bins, such as thresholds.
    """
    known = values[np.isfinite(values)].astype(np.float64)
    marks = [value for value in include if np.isfinite(value)]
    if not len(known):
        known = np.array(marks or [0.0])
    low, high = (float(edge) for edge in np.quantile(known, [TAIL, 1 - TAIL]))
    low, high = min([low, *marks]), max([high, *marks])
    if low == high:
        low, high = low - 0.5, high + 0.5
    integral = bool((known == np.rint(known)).all()) and high - low < count
    if integral:
        return Bins(edges=np.arange(np.floor(low), np.ceil(high) + 2) - 0.5)
    if low > 0 and high > SKEWED * np.median(known):
        return Bins(edges=np.geomspace(low, high, count + 1), logarithmic=True)
    return Bins(edges=np.linspace(low, high, count + 1))


def count_in_bins(
    batches: Iterable[pl.DataFrame], *, bins: Mapping[str, Bins], group: str | None = None
) -> dict[str, dict[str, FloatArray]]:
    """Count the rows of tables bin by bin.

    Parameters
    ----------
    bins
        By column.
    group
        Column of text by which rows are counted apart; rows without it are of the group ``""``.

    Returns
    -------
    By column and group, (n,) int64.
    """
    counts: dict[str, dict[str, FloatArray]] = {column: {} for column in bins}
    for batch in batches:
        for name, own in _groups(batch, group):
            for column, chosen in bins.items():
                places = chosen.place(own[column].cast(pl.Float64).to_numpy())
                added = np.bincount(places[places >= 0], minlength=chosen.count)
                counts[column][name] = counts[column].get(name, np.zeros(chosen.count, dtype=np.int64)) + added
    return counts


def _groups(batch: pl.DataFrame, group: str | None) -> Iterable[tuple[str, pl.DataFrame]]:
    if group is None:
        yield "", batch
        return
    named = batch.with_columns(pl.col(group).cast(pl.String).fill_null(""))
    for (name,), own in named.group_by(group):
        yield str(name), own


def thinned(batches: Iterable[pl.DataFrame], columns: Sequence[str], *, most: int = 1 << 16) -> pl.DataFrame:
    """Take every k-th row of tables, k being a power of two such that no more than `most` are held at a time."""
    step, first, kept = 1, 0, pl.DataFrame()
    for batch in batches:
        own = batch.select(columns).with_row_index("row", offset=first).filter(pl.col("row") % step == 0)
        first += len(batch)
        kept = pl.concat([kept, own]) if len(kept) else own
        while len(kept) > most:
            step *= 2
            kept = kept.filter(pl.col("row") % step == 0)
    return kept.drop("row") if "row" in kept.columns else kept
