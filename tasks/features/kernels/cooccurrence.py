"""Grey-level co-occurrence in 16 levels: pairs are counted at four offsets at a time and summarised in whole numbers.

The levels stand in an image with a margin, to the right and below, as wide as the largest offset; the margin and what
is not in the mask have a level of their own, `NO_LEVEL`. So every pixel of the mask has a second one at every offset,
and pairs that are none are counted where nobody looks. A pixel to the left of a row's first lies in the margin of the
row above.
"""

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.bits import Runs
from tasks.core.kernels.compiled import inner, reduction
from tasks.core.types import FloatArray, IntArray
from tasks.features.definitions.levels import LEVELS
from tasks.features.definitions.texture import PROPERTIES
from tasks.features.kernels.levels import Levels

Pairs = npt.NDArray[np.int32]
MEASURES = len(PROPERTIES)
NO_LEVEL = LEVELS
ROW = 32
"""Room for the second levels of a first one, `NO_LEVEL` among them."""
TABLE = LEVELS * ROW
DISTANCE = np.abs(np.arange(1 - LEVELS, LEVELS)).astype(np.float64)
"""|i − j| for i − j from −15 to 15."""
NEARNESS = 1.0 / (1.0 + DISTANCE**2)
AT_ONCE = 4
"""Offsets that are looked at together: the tables need not wait for each other."""


@inner
def count_pairs(image: Levels, stride: int, runs: Runs, number: int, steps: IntArray, counts: Pairs) -> None:
    """Count the pairs of levels of each pixel of a mask and the ones at some offsets from it.

    Parameters
    ----------
    image
        Flat, rows of `stride` levels.
    runs
        `number` runs of the mask.
    steps
        (T,) int64, the offsets in the flat image, not negative; T a multiple of `AT_ONCE`.
    counts
        (T·512,) int32, the result: element 512·t + 32·first + second.
    """
    counts[:] = 0
    unit, shift = np.uint64(1), np.uint64(5)
    for group in range(0, len(steps), AT_ONCE):
        table = counts[group * TABLE : (group + AT_ONCE) * TABLE]
        a, b = np.uint64(steps[group]), np.uint64(steps[group + 1])
        c, d = np.uint64(steps[group + 2]), np.uint64(steps[group + 3])
        for run in range(number):
            start = runs[run, 0] * stride
            # without a sign, for an index that may be negative costs a choice
            at, end = np.uint64(start + runs[run, 1]), np.uint64(start + runs[run, 2])
            while at < end:
                first = np.uint64(image[at]) << shift
                table[first + np.uint64(image[at + a])] += 1
                table[first + np.uint64(TABLE) + np.uint64(image[at + b])] += 1
                table[first + np.uint64(2 * TABLE) + np.uint64(image[at + c])] += 1
                table[first + np.uint64(3 * TABLE) + np.uint64(image[at + d])] += 1
                at += unit


@inner
def properties(counts: Pairs, out: FloatArray) -> None:
    """Derive what `tasks.features.plain.cooccurrence.properties` does from pairs counted in one direction.

    Counted in both directions, each pair c stands at (i, j) and at (j, i). With n = Σ c, contrast is Σ c (i² + j²) −
    2 Σ c i j, and the sum of squared frequencies Σ (c + cᵀ)² = 2 Σ c² + 2 Σ c cᵀ. All sums but the homogeneity's are
    whole numbers, so that the variance of a constant region is exactly zero.

    Parameters
    ----------
    counts
        (512,) int32, one table of `count_pairs`.
    out
        (6,) float64, the result; NaN where there is no pair, the correlation also where there is no variance.
    """
    pairs = linear = squared = product = dissimilarity = homogeneity = energy = 0.0
    for first in range(LEVELS):
        total, seconds, squares, steps, nearness, powers = _row(
            counts[first * ROW : first * ROW + LEVELS], DISTANCE[LEVELS - 1 - first :], NEARNESS[LEVELS - 1 - first :]
        )
        pairs += total
        linear += first * total + seconds
        squared += first * first * total + squares
        product += first * seconds
        dissimilarity += steps
        homogeneity += nearness
        energy += powers
        for second in range(first):
            energy += 2.0 * counts[first * ROW + second] * counts[second * ROW + first]
        energy += np.float64(counts[first * ROW + first]) * counts[first * ROW + first]
    out[:] = np.nan
    if pairs == 0.0:
        return
    total_pairs, sums = 2 * np.int64(pairs), np.int64(linear)
    variance = total_pairs * np.int64(squared) - sums * sums
    out[0] = (squared - 2.0 * product) / pairs
    out[1] = dissimilarity / pairs
    out[2] = homogeneity / pairs
    out[5] = energy / (2.0 * pairs * pairs)
    out[3] = np.sqrt(out[5])
    if variance != 0:
        out[4] = (total_pairs * 2 * np.int64(product) - sums * sums) / variance


@reduction
def _row(counts: Pairs, distance: FloatArray, nearness: FloatArray) -> tuple[float, float, float, float, float, float]:
    """Sum the pairs of one first level: their number, second levels, squares of these, distances, nearness; and c²."""
    total = seconds = squares = steps = near = powers = 0.0
    for second in range(LEVELS):
        here = np.float64(counts[second])
        total += here
        seconds += here * second
        squares += here * (second * second)
        steps += here * distance[second]
        near += here * nearness[second]
        powers += here * here
    return total, seconds, squares, steps, near, powers
