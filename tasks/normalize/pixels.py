"""The pixels of one group and channel as their histogram tells them, and the statistics that scalings are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
import polars as pl

from tasks.core.exact.statistics import MAD_TO_DEVIATION, NAN, interpolated
from tasks.core.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """Pixel values in ascending order, and how often each occurs.

    Those of whole numbers are the numbers themselves, and every statistic equals numpy's of all pixels bit for bit, as
    far as float64 holds whole numbers (2⁵²). Those of floats are the middles of buckets, each at most 2⁻¹³ of its size
    off, and so are quantiles; the median absolute deviation is at most 2⁻¹³ · (2 · |median| + itself) off.

    Parameters
    ----------
    values
        (B,) float64, ascending.
    counts
        (B,) int64, at least 1 each.
    low, high
        The smallest and the largest pixel, exactly; NaN of no pixels.
    """

    values: FloatArray
    counts: IntArray
    low: float
    high: float

    @classmethod
    def of(cls, histogram: pl.DataFrame) -> "Pixels":
        """Take the rows of one group and channel of a table that `merge_histograms` has made."""
        low, high = (histogram[name].to_numpy() for name in ("low", "high"))
        ends = (float(low[0]), float(high[-1])) if len(histogram) else (NAN, NAN)
        counts = histogram["count"].to_numpy().astype(np.int64)
        return cls(values=low + (high - low) / 2, counts=counts, low=ends[0], high=ends[1])

    @property
    def count(self) -> int:
        """Number of pixels."""
        return int(self.counts.sum())

    @property
    def median(self) -> float:
        """The value in the middle, or the mean of the two nearest to it; NaN of no pixels."""
        return self.quantile(0.5)

    @property
    def deviation(self) -> float:
        """Robust standard deviation: 1.4826 times the median distance from the median; NaN of no pixels."""
        distances = np.abs(self.values - self.median)
        order = np.argsort(distances, kind="stable")
        return MAD_TO_DEVIATION * _quantile(distances[order], counts=self.counts[order], q=0.5)

    def quantile(self, q: float) -> float:
        """Value below which a share q of the pixels lies, interpolated linearly (type 7 of Hyndman and Fan, 1996).

        NaN of no pixels; the smallest and the largest pixel for q of 0 and 1.
        """
        if q in {0, 1} or len(self.values) == 0:
            return self.high if q == 1 else self.low
        return _quantile(self.values, counts=self.counts, q=q)


def _quantile(values: FloatArray, *, counts: IntArray, q: float) -> float:
    if len(values) == 0:
        return NAN
    ends = np.cumsum(counts)
    place = q * (int(ends[-1]) - 1)
    rank = floor(place)
    low, high = _at(values, ends=ends, ranks=(rank, min(rank + 1, int(ends[-1]) - 1)))
    return interpolated(low, high, part=place - rank)


def _at(values: FloatArray, *, ends: IntArray, ranks: Sequence[int]) -> tuple[float, float]:
    first, second = values[np.searchsorted(ends, ranks, side="right")]
    return float(first), float(second)
