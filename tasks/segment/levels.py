"""The level between dark and bright, from a histogram: the same code for every device."""

import math
from typing import Literal

import numpy as np

from tasks.core.types import FloatArray
from tasks.segment.operations import Histogram

GlobalThreshold = Literal["li", "otsu", "triangle"]

BINS = 1 << 16
"""Bins of a histogram: hundreds of them hold the rest of a plane where one hot pixel stretches its range."""
TRIANGLE_BINS = 1 << 10
"""Bins of `triangle`, which looks for the fullest: in finer ones chance decides."""
MOST_STEPS = 1000


def level_of(histogram: Histogram, *, threshold: GlobalThreshold) -> float:
    """Find the level above which values are bright.

    Parameters
    ----------
    histogram
        Of values that are not all equal, in `BINS` bins.
    threshold
        ``li``: minimum cross-entropy [1]_; ``otsu`` [2]_; ``triangle`` [3]_, in `TRIANGLE_BINS` bins.

    References
    ----------
    .. [1] Li & Tam, Pattern Recognition Letters 19 (1998) 771-776.
    .. [2] Otsu, IEEE Trans. Systems, Man and Cybernetics 9 (1979) 62-66.
    .. [3] Zack, Rogers & Latt, J. Histochemistry and Cytochemistry 25 (1977) 741-753.
    """
    counts, low, high = histogram
    if threshold == "triangle":
        counts = counts.reshape(TRIANGLE_BINS, -1).sum(axis=1)
    edges = np.arange(len(counts) + 1) / len(counts)  # on a scale of low to high
    level = {"li": _li, "otsu": _otsu, "triangle": _triangle}[threshold](counts.astype(np.float64), edges)
    return low + level * (high - low)


def _li(weights: FloatArray, edges: FloatArray) -> float:
    """Alternate between the values above a level and the logarithmic mean of the two sides' means."""
    centers = (edges[1:] + edges[:-1]) / 2
    number, total = np.cumsum(weights), np.cumsum(weights * centers)
    level = float(total[-1] / number[-1])
    spread = math.sqrt(float((weights * (centers - level) ** 2).sum() / number[-1]))
    for _ in range(MOST_STEPS):
        # level lies between the first center and the last, so that there are values on both sides
        last = int(np.searchsorted(centers, level, side="right")) - 1
        dark = float(total[last] / number[last])
        bright = float((total[-1] - total[last]) / (number[-1] - number[last]))
        before, level = level, (dark - bright) / (math.log(dark) - math.log(bright))
        if abs(level - before) <= 1e-4 * spread:
            break
    return level


def _otsu(weights: FloatArray, edges: FloatArray) -> float:
    """Part the bins into two classes whose variance between each other is largest."""
    centers = (edges[1:] + edges[:-1]) / 2
    number, total = np.cumsum(weights), np.cumsum(weights * centers)
    dark, bright = number[:-1], number[-1] - number[:-1]
    means = total[:-1] / dark, (total[-1] - total[:-1]) / bright
    return float(edges[1 + np.argmax(dark * bright * (means[0] - means[1]) ** 2)])


def _triangle(weights: FloatArray, edges: FloatArray) -> float:
    """Find the bin farthest below the line from the fullest one to the end of the longer tail, of equals the outer."""
    centers = (edges[1:] + edges[:-1]) / 2
    if (peak := int(np.argmax(weights))) < len(weights) - 1 - peak:
        weights, centers, peak = weights[::-1], centers[::-1], len(weights) - 1 - peak
    distance = weights[peak] * np.arange(peak) - peak * weights[:peak]
    return float(centers[np.argmax(distance)])
