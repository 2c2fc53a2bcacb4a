"""Questions that are asked of all values, and their answers, which merge."""

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Annotated, Any, Literal, Protocol, Self, TypeVar, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field

from tasks.core.exact.keys import Keys, keys_of
from tasks.core.exact.sums import exact_squares, exact_sum
from tasks.core.types import FloatArray, IntArray
from tasks.core.work import Frozen

DIGIT = 16
"""Bits of a key that one question about ranks looks at."""

_CHUNK = 1 << 14
"""Values that are looked at together: what is made of them stays in the processor's cache."""


class Sums(Frozen):
    """Number of values, their sum in units of 2**-1127 and that of their squares in units of 2**-2254."""

    kind: Literal["sums"] = "sums"
    count: int
    total: int
    squares: int

    def merge(self, other: Self) -> "Sums":
        """Answer for both parts."""
        return Sums(
            count=self.count + other.count, total=self.total + other.total, squares=self.squares + other.squares
        )


class Limits(Frozen):
    """Number of values, the smallest and the largest; none of no values."""

    kind: Literal["limits"] = "limits"
    count: int
    low: float | None
    high: float | None

    def merge(self, other: Self) -> "Limits":
        """Answer for both parts."""
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        return Limits(count=self.count + other.count, low=min(lows, default=None), high=max(highs, default=None))


class Counts(Frozen):
    """How many values lie in each bucket that holds any."""

    kind: Literal["counts"] = "counts"
    counts: dict[int, int]

    def merge(self, other: Self) -> "Counts":
        """Answer for both parts."""
        merged = dict(self.counts)
        for bucket, count in other.counts.items():
            merged[bucket] = merged.get(bucket, 0) + count
        return Counts(counts=dict(sorted(merged.items())))


class Members(Frozen):
    """Values themselves, sorted."""

    kind: Literal["members"] = "members"
    values: tuple[float, ...]

    def merge(self, other: Self) -> "Members":
        """Answer for both parts."""
        return Members(values=tuple(sorted((*self.values, *other.values))))


Answer = Annotated[Sums | Limits | Counts | Members, Field(discriminator="kind")]


class Query(Frozen):
    """A question about values, or, where `center` is given, about their distances from it."""

    center: float | None = None

    def seen(self, values: FloatArray) -> FloatArray:
        """Return what the question is about."""
        return values if self.center is None else np.abs(values - self.center)

    def chunks(self, values: FloatArray) -> Iterator[FloatArray]:
        """Yield what the question is about, a few values at a time; nothing of no values."""
        for start in range(0, len(values), _CHUNK):
            yield self.seen(values[start : start + _CHUNK])


class SumsQuery(Query):
    """Query for the number of values, their sum and that of their squares."""

    kind: Literal["ask_sums"] = "ask_sums"

    def answer(self, values: FloatArray) -> Sums:
        """Answer for finite values."""
        seen = self.seen(values)
        return Sums(count=len(seen), total=exact_sum(seen), squares=exact_squares(seen))


class LimitsQuery(Query):
    """Query for the smallest and the largest value."""

    kind: Literal["ask_limits"] = "ask_limits"

    def answer(self, values: FloatArray) -> Limits:
        """Answer for finite values."""
        limits = [(float(seen.min()), float(seen.max())) for seen in self.chunks(values)]
        low, high = (min(low for low, _ in limits), max(high for _, high in limits)) if limits else (None, None)
        return Limits(count=len(values), low=low, high=high)


class BinsQuery(Query):
    """Query how many values lie in each of `bins` equal bins from `low` to `high`, as `numpy.histogram` counts them."""

    kind: Literal["ask_bins"] = "ask_bins"
    low: float
    high: float
    bins: int

    def answer(self, values: FloatArray) -> Counts:
        """Answer for finite values."""
        counts, _ = np.histogram(self.seen(values), bins=self.bins, range=(self.low, self.high))
        return Counts(counts={int(value): int(counts[value]) for value in np.nonzero(counts)[0]})


class RanksQuery(Query):
    """Query how many keys share their first `bits` + 16 bits, of those whose first `bits` are one of `prefixes`."""

    kind: Literal["ask_ranks"] = "ask_ranks"
    prefixes: tuple[int, ...] = (0,)
    bits: int = 0

    def answer(self, values: FloatArray) -> Counts:
        """Answer for finite values."""
        digits_of: dict[int, list[npt.NDArray[np.uint16]]] = {}
        for seen in self.chunks(values):
            for prefix, _, keys in _beginning(seen, prefixes=self.prefixes, bits=self.bits):
                digits = (keys >> np.uint64(64 - self.bits - DIGIT)).astype(np.uint16)
                digits_of.setdefault(prefix, []).append(digits)
        counts: dict[int, int] = {}
        for prefix, parts in sorted(digits_of.items()):
            totals = _counted(np.concatenate(parts))
            counts |= {prefix << DIGIT | digit: int(totals[digit]) for digit in np.flatnonzero(totals).tolist()}
        return Counts(counts=counts)


class MembersQuery(Query):
    """Query for the values whose key begins with one of `prefixes`, which have `bits` bits."""

    kind: Literal["ask_members"] = "ask_members"
    prefixes: tuple[int, ...]
    bits: int

    def answer(self, values: FloatArray) -> Members:
        """Answer for finite values."""
        members = [
            own
            for seen in self.chunks(values)
            for _, own, _ in _beginning(seen, prefixes=self.prefixes, bits=self.bits)
        ]
        return Members(values=tuple(np.sort(np.concatenate(members)).tolist()) if members else ())


Question = Annotated[SumsQuery | LimitsQuery | BinsQuery | RanksQuery | MembersQuery, Field(discriminator="kind")]


def _beginning(values: FloatArray, *, prefixes: Sequence[int], bits: int) -> Iterator[tuple[int, FloatArray, Keys]]:
    """Yield the values, and their keys, that begin with each of the prefixes, which differ; nothing where none does."""
    keys = keys_of(values)
    if bits == 0:
        yield prefixes[0], values, keys
        return
    beginnings = keys >> np.uint64(64 - bits)
    for prefix in prefixes:
        chosen = np.flatnonzero(beginnings == np.uint64(prefix))
        if len(chosen):
            yield prefix, values[chosen], keys[chosen]


def _counted(digits: npt.NDArray[np.uint16]) -> IntArray:
    """(65536,) int64: how often each digit occurs."""
    totals = np.zeros(1 << DIGIT, dtype=np.int64)
    for start in range(0, len(digits), len(totals)):
        totals += np.bincount(digits[start : start + len(totals)], minlength=len(totals))
    return totals


AnyAnswer = TypeVar("AnyAnswer", bound="Mergeable")


class Mergeable(Protocol):
    """An answer that merges with others to the same question."""

    def merge(self, other: Any, /) -> Any:  # noqa: ANN401 - an answer of the same kind
        """Answer for both parts."""


def merged(answers: Sequence[AnyAnswer]) -> AnyAnswer:
    """Merge the answers to one question, at least one."""
    return reduce(lambda first, other: cast("AnyAnswer", first.merge(other)), answers)
