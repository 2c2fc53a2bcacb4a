"""Grey-level co-occurrence in 16 levels: pairs are counted at four offsets at a time and summarised in whole numbers.

The levels stand in an image with a margin, to the right and below, as wide as the largest offset; the margin and what
is not in the mask have a level of their own, `NO_LEVEL`. So every pixel of the mask has a second one at every offset,
and pairs that are none are counted where nobody looks. A pixel to the left of a row's first lies in the margin of the
row above.
"""

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.bits import Runs
from tasks.core.kernels.compiled import inner
from tasks.core.types import FloatArray, IntArray
from tasks.features.cooccurrence import LEVELS, PROPERTIES
from tasks.features.kernels.levels import Levels

Pairs = npt.NDArray[np.int32]
MEASURES = len(PROPERTIES)
NO_LEVEL = LEVELS
ROW = 32
"""Room for the second levels of a first one, `NO_LEVEL` among them."""
TABLE = LEVELS * ROW
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
    one, shift = np.uint64(1), np.uint64(5)
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
                at += one


@inner
def properties(counts: Pairs, found: FloatArray) -> None:
    """Derive what `tasks.features.cooccurrence.properties` does from pairs counted in one direction.

    Counted in both directions, each pair stands at (i, j) and at (j, i). All sums but the homogeneity's are whole
    numbers, so that the variance of a constant region is exactly zero.

    Parameters
    ----------
    counts
        (512,) int32, one table of `count_pairs`.
    found
        (6,) float64, the result; NaN where there is no pair, the correlation also where there is no variance.
    """
    pairs = linear = squared = product = contrast = dissimilarity = energy = 0
    homogeneity = 0.0
    for first in range(LEVELS):
        for second in range(first, LEVELS):
            here = int(np.int64(counts[first * ROW + second]) + np.int64(counts[second * ROW + first]))
            if here == 0:
                continue
            step = second - first
            # both of (i, j) and (j, i), which on the diagonal are one
            energy += here * here * (2 if step else 1)
            number = here if step else here // 2
            pairs += number
            linear += number * (first + second)
            squared += number * (first * first + second * second)
            product += number * first * second
            contrast += number * step * step
            dissimilarity += number * step
            homogeneity += number / (1.0 + step * step)
    found[:] = np.nan
    if pairs == 0:
        return
    total = 2 * pairs
    variance = total * squared - linear * linear
    found[0] = contrast / pairs
    found[1] = dissimilarity / pairs
    found[2] = homogeneity / pairs
    found[5] = energy / (np.float64(total) * total)
    found[3] = np.sqrt(found[5])
    if variance != 0:
        found[4] = (total * 2 * product - linear * linear) / variance
