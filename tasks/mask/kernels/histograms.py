"""Otsu's threshold of a histogram, rounded as scikit-image rounds it."""

import numpy as np

from tasks.core.kernels.compiled import compiled
from tasks.core.types import FloatArray, IntArray

MOST_PIXELS = 1 << 24
"""Fewer than this many are counted exactly in float32, in which scikit-image holds counts."""
BINS = 256
LARGE = 1e300


@compiled
def best_split(counts: IntArray, centres: FloatArray, number: int, work: FloatArray) -> int:
    """Find the last bin of the lower class, such that the variance between the two classes is largest.

    Parameters
    ----------
    counts, centres
        Of the first `number` bins; neither the first nor the last is empty.
    work
        (≥ number,) scratch.
    """
    total = 0
    moment = 0.0
    for at in range(number - 1, 0, -1):
        total += counts[at]
        moment += counts[at] * centres[at]
        work[at] = moment
    below = 0
    moment, most, best = 0.0, -1.0, 0
    for at in range(number - 1):
        below += counts[at]
        moment += counts[at] * centres[at]
        above = total + counts[0] - below
        distance = moment / below - work[at + 1] / above
        variance = np.float32(below) * np.float32(above) * (distance * distance)
        if variance > most:
            most, best = variance, at
    return best


@compiled
def count_into_bins(values: FloatArray, low: float, high: float, edges: FloatArray, counts: IntArray) -> None:
    """Count values in 256 equal bins from the lowest to the highest value, as `numpy.histogram` does.

    Parameters
    ----------
    edges, counts
        Results, (257,) and (256,).
    """
    step = (high - low) / BINS
    for at in range(BINS):
        edges[at] = at * step + low
    edges[BINS] = high
    counts[:] = 0
    # only a first guess, which the edges put right
    scale = BINS / (high - low)
    for at in range(len(values)):
        value = values[at]
        guess = (value - low) * scale if scale < LARGE else (value - low) / (high - low) * BINS
        place = min(int(guess), BINS - 1)
        place -= int(value < edges[place])
        place += int((place < BINS - 1) & (value >= edges[place + 1]))
        counts[place] += 1
