"""Questions that are asked of all values, and their answers, which merge."""

from collections.abc import Sequence
from functools import reduce
from typing import Annotated, Any, Literal, Protocol, Self, TypeVar, cast

import numpy as np
from pydantic import Field

from tasks.core.exact.keys import Keys, keys_of
from tasks.core.exact.sums import exact_squares, exact_sum
from tasks.core.types import FloatArray
from tasks.core.work import Frozen

DIGIT = 16
"""Bits of a key that one question about ranks looks at."""


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
        lows = [one for one in (self.low, other.low) if one is not None]
        highs = [one for one in (self.high, other.high) if one is not None]
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


class Ask(Frozen):
    """A question about values, or, where `center` is given, about their distances from it."""

    center: float | None = None

    def seen(self, values: FloatArray) -> FloatArray:
        """Return what the question is about."""
        return values if self.center is None else np.abs(values - self.center)


class AskSums(Ask):
    """Ask for the number of values, their sum and that of their squares."""

    kind: Literal["ask_sums"] = "ask_sums"

    def answer(self, values: FloatArray) -> Sums:
        """Answer for finite values."""
        seen = self.seen(values)
        return Sums(count=len(seen), total=exact_sum(seen), squares=exact_squares(seen))


class AskLimits(Ask):
    """Ask for the smallest and the largest value."""

    kind: Literal["ask_limits"] = "ask_limits"

    def answer(self, values: FloatArray) -> Limits:
        """Answer for finite values."""
        seen = self.seen(values)
        low, high = (float(seen.min()), float(seen.max())) if len(seen) else (None, None)
        return Limits(count=len(seen), low=low, high=high)


class AskBins(Ask):
    """Ask how many values lie in each of `bins` equal bins from `low` to `high`, as `numpy.histogram` counts them."""

    kind: Literal["ask_bins"] = "ask_bins"
    low: float
    high: float
    bins: int

    def answer(self, values: FloatArray) -> Counts:
        """Answer for finite values."""
        counts, _ = np.histogram(self.seen(values), bins=self.bins, range=(self.low, self.high))
        return Counts(counts={int(one): int(counts[one]) for one in np.nonzero(counts)[0]})


class AskRanks(Ask):
    """Ask how many keys share their first `bits` + 16 bits, of those whose first `bits` are one of `prefixes`."""

    kind: Literal["ask_ranks"] = "ask_ranks"
    prefixes: tuple[int, ...] = (0,)
    bits: int = 0

    def answer(self, values: FloatArray) -> Counts:
        """Answer for finite values."""
        keys = _beginning(keys_of(self.seen(values)), prefixes=self.prefixes, bits=self.bits)
        found, counts = np.unique(keys >> np.uint64(64 - self.bits - DIGIT), return_counts=True)
        return Counts(counts=dict(zip(found.tolist(), counts.tolist(), strict=True)))


class AskMembers(Ask):
    """Ask for the values whose key begins with one of `prefixes`, which have `bits` bits."""

    kind: Literal["ask_members"] = "ask_members"
    prefixes: tuple[int, ...]
    bits: int

    def answer(self, values: FloatArray) -> Members:
        """Answer for finite values."""
        seen = self.seen(values)
        keys = keys_of(seen)
        chosen = np.isin(keys >> np.uint64(64 - self.bits), np.array(self.prefixes, dtype=np.uint64))
        return Members(values=tuple(np.sort(seen[chosen]).tolist()))


Question = Annotated[AskSums | AskLimits | AskBins | AskRanks | AskMembers, Field(discriminator="kind")]


def _beginning(keys: Keys, *, prefixes: tuple[int, ...], bits: int) -> Keys:
    if bits == 0:
        return keys
    return keys[np.isin(keys >> np.uint64(64 - bits), np.array(prefixes, dtype=np.uint64))]


AnyAnswer = TypeVar("AnyAnswer", bound="Mergeable")


class Mergeable(Protocol):
    """An answer that merges with others to the same question."""

    def merge(self, other: Any, /) -> Any:  # noqa: ANN401 - an answer of the same kind
        """Answer for both parts."""


def merged(answers: Sequence[AnyAnswer]) -> AnyAnswer:
    """Merge the answers to one question, at least one."""
    return reduce(lambda one, other: cast("AnyAnswer", one.merge(other)), answers)
