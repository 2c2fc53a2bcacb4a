"""Statistics as programs: generators that ask questions of all values and return a number.

>>> values = np.array([4.0, 1.0, 3.0])
>>> answered(quantile(0.5), lambda question: question.answer(values))
3.0
"""

from collections.abc import Callable, Generator, Sequence
from fractions import Fraction
from math import floor, sqrt
from statistics import NormalDist
from typing import Any, TypeVar

import numpy as np

from tasks.core.exact.keys import keys_of, values_of
from tasks.core.exact.questions import (
    DIGIT,
    BinsQuery,
    Counts,
    Limits,
    LimitsQuery,
    Members,
    MembersQuery,
    RanksQuery,
    Sums,
    SumsQuery,
)
from tasks.core.exact.sums import UNIT
from tasks.core.types import FloatArray, IntArray

T = TypeVar("T")
Program = Generator[Any, Any, T]
"""Yields questions, is sent their answers, returns what it found out."""

FEW = 4096
"""So many values are looked at themselves; more are narrowed down further."""

NAN = float("nan")


def answered(program: Program[T], answer: Callable[[Any], object]) -> T:
    """Run a program with one function that answers all its questions."""
    try:
        question = next(program)
        while True:
            question = program.send(answer(question))
    except StopIteration as stop:
        result: T = stop.value
        return result


def count(*, center: float | None = None) -> Program[int]:
    """Count the values."""
    limits: Limits = yield LimitsQuery(center=center)
    return limits.count


def order_statistics(ranks: Sequence[int], *, center: float | None = None) -> Program[tuple[float, ...]]:
    """Find the values of some ranks (0 for the smallest), exactly.

    Keys are narrowed down 16 bits at a time, each time to the buckets that hold the wanted ranks, until few values are
    left in them: two or three passes, whatever the number of values.
    """
    prefix, below, bits = dict.fromkeys(ranks, 0), dict.fromkeys(ranks, 0), 0
    left = FEW + 1
    while left > FEW and bits < 64:
        counts: Counts = yield RanksQuery(prefixes=tuple(sorted(set(prefix.values()))), bits=bits, center=center)
        buckets = sorted(counts.counts.items())
        for rank in ranks:
            passed = below[rank]
            for bucket, number in buckets:
                if bucket >> DIGIT == prefix[rank]:
                    if passed + number > rank:
                        prefix[rank], below[rank] = bucket, passed
                        break
                    passed += number
        bits += DIGIT
        left = sum(counts.counts[bucket] for bucket in set(prefix.values()))
    if left > FEW:  # all bits are known: what is left in a bucket is equal
        return tuple(float(value) for value in values_of(np.array([prefix[rank] for rank in ranks], dtype=np.uint64)))
    members: Members = yield MembersQuery(prefixes=tuple(sorted(set(prefix.values()))), bits=bits, center=center)
    values = np.array(members.values)
    starts = keys_of(values) >> np.uint64(64 - bits)
    return tuple(float(values[starts == prefix[rank]][rank - below[rank]]) for rank in ranks)


def quantile(q: float, *, center: float | None = None) -> Program[float]:
    """Find the q-quantile, interpolated linearly between the two nearest ranks, as `numpy.quantile` does; NaN of none.

    Exact: equal to numpy's result bit for bit.
    """
    number = yield from count(center=center)
    if number == 0:
        return NAN
    place = q * (number - 1)
    rank = floor(place)
    low, high = yield from order_statistics((rank, min(rank + 1, number - 1)), center=center)
    return interpolated(low, high, part=place - rank)


def interpolated(low: float, high: float, *, part: float) -> float:
    """Go a part of the way from one number to another; in the form that numpy uses, which is exact at both ends."""
    return high - (high - low) * (1 - part) if part >= 0.5 else low + (high - low) * part


def mean_and_deviation() -> Program[tuple[float, float]]:
    """Find mean and population standard deviation, both free of the rounding of sums; NaN of no values."""
    sums: Sums = yield SumsQuery()
    if sums.count == 0:
        return NAN, NAN
    mean = Fraction(sums.total, sums.count)
    variance = Fraction(sums.squares, sums.count) - mean**2
    return float(mean / 2**UNIT), sqrt(variance / 4**UNIT)


def normal_quantile(q: float) -> Program[float]:
    """Find μ + Φ⁻¹(q)·σ, the q-quantile of the normal distribution that has the values' mean and deviation."""
    mean, deviation = yield from mean_and_deviation()
    return mean + NormalDist().inv_cdf(q) * deviation


MAD_TO_DEVIATION = 1.482602218505602
"""1/Φ⁻¹(3/4): the median absolute deviation of a normal distribution times this is its standard deviation."""


def deviations_from_median(n: float) -> Program[float]:
    """Find median + n · 1.4826 · MAD, the median absolute deviation scaled to a normal distribution's deviation."""
    median = yield from quantile(0.5)
    if np.isnan(median):
        return NAN
    deviation = yield from quantile(0.5, center=median)
    return median + n * MAD_TO_DEVIATION * deviation


def histogram(bins: int) -> Program[tuple[IntArray, FloatArray]]:
    """Count the values in bins of equal width between the smallest and the largest, as `numpy.histogram` does.

    Returns
    -------
    (bins,) int64 counts and (bins + 1,) float64 edges; no bins at all of no values.
    """
    limits: Limits = yield LimitsQuery()
    if limits.low is None or limits.high is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    binned: Counts = yield BinsQuery(low=limits.low, high=limits.high, bins=bins)
    counts = np.zeros(bins, dtype=np.int64)
    counts[list(binned.counts)] = list(binned.counts.values())
    return counts, np.histogram_bin_edges(np.zeros(0), bins=bins, range=(limits.low, limits.high))
