"""Grey-level co-occurrence in 16 levels: pairs are counted along runs and summarised in whole numbers."""

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.bits import NONE, OUTSIDE, Bits, Runs, find_runs, moved, pad, words_of
from tasks.core.kernels.compiled import compiled
from tasks.core.types import FloatArray, IntArray
from tasks.features.cooccurrence import LEVELS, PROPERTIES

Levels = npt.NDArray[np.uint16]
MEASURES = len(PROPERTIES)


@compiled
def pair_runs(bits: Bits, height: int, width: int, down: int, right: int, padded: Bits, both: Bits, runs: Runs) -> int:
    """List where a pixel of a mask and the one `down` rows below and `right` columns beside it are both in the mask.

    Parameters
    ----------
    padded, both
        Scratch, (≥ H, words + 2) and (≥ H, words).
    runs
        The runs of the first pixels of the pairs.

    Returns
    -------
    int
        Number of runs.
    """
    pad(bits, height, width, OUTSIDE, padded)
    for row in range(height):
        for word in range(words_of(width)):
            second = moved(padded, row + down, word, right) if row + down < height else NONE
            both[row, word] = bits[row, word] & second
    return find_runs(both, height, width, runs)


@compiled
def count_pairs(levels: Levels, width: int, step: int, runs: Runs, number: int, counts: IntArray) -> int:
    """Count the pairs of levels of a pixel and the one `step` further on in the flat image, along `number` runs.

    Parameters
    ----------
    levels
        Flat image of width `width`.
    counts
        (512,) int64, the result: element 16·first + second of the first half; the second half is scratch.

    Returns
    -------
    int
        Number of pairs.
    """
    counts[:] = 0
    pairs = 0
    for run in range(number):
        first = runs[run, 0] * width + runs[run, 1]
        length = runs[run, 2] - runs[run, 1]
        pairs += length
        # two tables in turn: equal pairs in succession need not wait for each other
        for at in range(first, first + length - 1, 2):
            counts[levels[at] * LEVELS + levels[at + step]] += 1
            counts[LEVELS * LEVELS + levels[at + 1] * LEVELS + levels[at + 1 + step]] += 1
        if length % 2:
            at = first + length - 1
            counts[levels[at] * LEVELS + levels[at + step]] += 1
    for at in range(LEVELS * LEVELS):
        counts[at] += counts[LEVELS * LEVELS + at]
    return pairs


@compiled
def properties(counts: IntArray, pairs: int, found: FloatArray) -> None:
    """Derive what `tasks.features.cooccurrence.properties` does from pairs counted in one direction.

    Counted in both directions, each pair stands at (i, j) and at (j, i). All sums but the homogeneity's are whole
    numbers, so that the variance of a constant region is exactly zero.

    Parameters
    ----------
    counts
        (≥ 256,) int64, from `count_pairs`.
    pairs
        Their sum.
    found
        (6,) float64, the result; NaN where there is no pair, the correlation also where there is no variance.
    """
    found[:] = np.nan
    if pairs == 0:
        return
    linear = squared = product = contrast = dissimilarity = energy = 0
    homogeneity = 0.0
    for first in range(LEVELS):
        for second in range(first, LEVELS):
            here = counts[first * LEVELS + second] + counts[second * LEVELS + first]
            step = second - first
            # both of (i, j) and (j, i), which on the diagonal are one
            energy += here * here * (2 if step else 1)
            number = here if step else here // 2
            linear += number * (first + second)
            squared += number * (first * first + second * second)
            product += number * first * second
            contrast += number * step * step
            dissimilarity += number * step
            homogeneity += number / (1.0 + step * step)
    total = 2 * pairs
    variance = total * squared - linear * linear
    found[0] = contrast / pairs
    found[1] = dissimilarity / pairs
    found[2] = homogeneity / pairs
    found[5] = energy / (np.float64(total) * total)
    found[3] = np.sqrt(found[5])
    if variance != 0:
        found[4] = (total * 2 * product - linear * linear) / variance
