"""How well predicted instances agree with true ones: objects matched by their overlap, and what is wrong with the rest.

Two objects match at p percent where their intersection over union exceeds p/100. From 50 % on no object can match two
others, so that nothing has to be assigned. Areas are counted in whole pixels and compared as integers, so that an
overlap of exactly p percent does not match, whatever floats would make of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from tasks.core.types import AnyArray

PERCENTS = tuple(range(50, 100, 5))
"""Overlaps over which the Data Science Bowl 2018 averaged."""

TOUCHED = 0.1
"""Share of an object's pixels below which nothing is said to lie where it does."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """Pairs of a true and a predicted object that share pixels.

    Parameters
    ----------
    true_areas, predicted_areas
        (T,), (P,): pixels of each object, in ascending order of their labels.
    true, predicted
        (N,): indices into these of each pair.
    shared
        (N,): pixels that both of a pair have.
    """

    true_areas: Counts
    predicted_areas: Counts
    true: Counts
    predicted: Counts
    shared: Counts

    def hits(self, percent: int) -> npt.NDArray[np.bool_]:
        """(N,): pairs that match."""
        union = self.true_areas[self.true] + self.predicted_areas[self.predicted] - self.shared
        return np.asarray(100 * self.shared > percent * union)


def overlaps_of(truth: AnyArray, predicted: AnyArray) -> Overlaps:
    """Compare two label images of one shape (0: background; any other labels).

    Raises
    ------
    ValueError
        The shapes differ.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"got labels of shapes {truth.shape} and {predicted.shape}, expected one shape")
    sides = []
    for labels in (truth, predicted):
        numbers, index, areas = np.unique(labels, return_inverse=True, return_counts=True)
        inside = numbers != 0
        sides.append(((np.cumsum(inside) - 1)[index.ravel()], inside[index.ravel()], areas[inside].astype(np.int64)))
    (true, in_true, true_areas), (other, in_other, predicted_areas) = sides
    both = in_true & in_other
    width = max(len(predicted_areas), 1)
    pairs, shared = np.unique(true[both].astype(np.int64) * width + other[both], return_counts=True)
    return Overlaps(
        true_areas=true_areas,
        predicted_areas=predicted_areas,
        true=pairs // width,
        predicted=pairs % width,
        shared=shared.astype(np.int64),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Counts of one field, or of several together.

    Parameters
    ----------
    true, predicted
        How many objects there are.
    hits
        Matches at each of `PERCENTS`.
    merged, split, missed, outline
        True objects without a match at 50 %, by what is wrong: one predicted object has more than half of it and of
        another true one; two or more predicted ones lie more than half inside it; predicted ones have less than a tenth
        of it; none of these, so that its outline is wrong. The first that holds counts.
    extra
        Predicted objects less than a tenth of which lies on true ones.
    """

    true: int
    predicted: int
    hits: tuple[int, ...]
    merged: int
    split: int
    missed: int
    outline: int
    extra: int

    def f1(self, percent: int) -> float:
        """2·TP / (objects of both); 1 where there are none at all."""
        objects = self.true + self.predicted
        return 2 * self._hits(percent) / objects if objects else 1.0

    def average_precision(self, percent: int) -> float:
        """TP / (TP + FP + FN), as the Data Science Bowl scored a field; 1 where there are no objects at all."""
        objects = self.true + self.predicted - self._hits(percent)
        return self._hits(percent) / objects if objects else 1.0

    @property
    def mean_average_precision(self) -> float:
        """Mean of `average_precision` over `PERCENTS`."""
        return float(np.mean([self.average_precision(percent) for percent in PERCENTS]))

    def _hits(self, percent: int) -> int:
        return self.hits[PERCENTS.index(percent)]


COUNTS = tuple(field.name for field in fields(Score) if field.name != "hits")


def score(truth: AnyArray, predicted: AnyArray) -> Score:
    """Match the objects of two label images of one shape."""
    pairs = overlaps_of(truth, predicted)
    matched = pairs.hits(PERCENTS[0])
    n_true, n_predicted = len(pairs.true_areas), len(pairs.predicted_areas)
    mostly_had = 2 * pairs.shared > pairs.true_areas[pairs.true]
    mostly_inside = 2 * pairs.shared > pairs.predicted_areas[pairs.predicted]

    swallowed = np.bincount(pairs.predicted[mostly_had], minlength=n_predicted)
    merged = np.zeros(n_true, dtype=np.bool_)
    merged[pairs.true[mostly_had & (swallowed[pairs.predicted] > 1)]] = True
    split = np.bincount(pairs.true[mostly_inside], minlength=n_true) > 1
    covered = np.bincount(pairs.true, weights=pairs.shared, minlength=n_true)
    missed = covered < TOUCHED * pairs.true_areas
    unmatched = np.ones(n_true, dtype=np.bool_)
    unmatched[pairs.true[matched]] = False
    kinds = []
    for kind in (merged, split, missed, unmatched.copy()):
        kinds.append(int((kind & unmatched).sum()))
        unmatched &= ~kind
    on_truth = np.bincount(pairs.predicted, weights=pairs.shared, minlength=n_predicted)
    return Score(
        true=n_true,
        predicted=n_predicted,
        hits=tuple(int(pairs.hits(percent).sum()) for percent in PERCENTS),
        merged=kinds[0],
        split=kinds[1],
        missed=kinds[2],
        outline=kinds[3],
        extra=int((on_truth < TOUCHED * pairs.predicted_areas).sum()),
    )


def pooled(scores: Sequence[Score]) -> Score:
    """Add the counts of several fields: each object counts alike, in whichever field it lies."""
    counts = {name: sum(getattr(part, name) for part in scores) for name in COUNTS}
    return Score(**counts, hits=tuple(sum(part.hits[k] for part in scores) for k in range(len(PERCENTS))))
