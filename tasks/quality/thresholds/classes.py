"""Thresholds between two classes of values."""

from typing import Literal

import numpy as np
from pydantic import Field

from tasks.core.exact import statistics
from tasks.core.exact.statistics import Program
from tasks.core.types import FloatArray, IntArray
from tasks.quality.registry import ThresholdMethod, thresholds


class Otsu(ThresholdMethod):
    """The value that divides the values into the two classes of least variance."""

    method: Literal["otsu"] = Field(default="otsu", description="Between two classes of least variance within each.")


class Mixture(ThresholdMethod):
    """The value at which two normal distributions, fitted together, are equally likely."""

    method: Literal["mixture"] = Field(
        default="mixture", description="Where two normal distributions fitted to the values are equally likely."
    )


OTSU_BINS = 256


@thresholds.register(Otsu)
def otsu(config: Otsu) -> Program[float]:
    """Find Otsu's threshold of a histogram of 256 bins from the smallest to the largest value, as scikit-image does.

    References
    ----------
    Otsu (1979), A threshold selection method from gray-level histograms, doi:10.1109/TSMC.1979.4310076.
    """
    from skimage.filters import threshold_otsu

    del config
    counts, edges = yield from statistics.histogram(OTSU_BINS)
    return float(threshold_otsu(hist=(counts, (edges[:-1] + edges[1:]) / 2)))


MIXTURE_BINS = 1024
ROUNDS = 500
SETTLED = 1e-10


@thresholds.register(Mixture)
def mixture(config: Mixture) -> Program[float]:
    """Find where two normal distributions, fitted by expectation maximisation, are equally likely.

    The values are taken at the centres of 1,024 bins from the smallest to the largest, an error of at most 1/2048 of
    their range, so that the result does not depend on their order. NaN where they form no two classes.

    References
    ----------
    Dempster, Laird, Rubin (1977), Maximum likelihood from incomplete data via the EM algorithm.
    """
    del config
    counts, edges = yield from statistics.histogram(MIXTURE_BINS)
    if np.count_nonzero(counts) < 2:
        return float("nan")
    return _equally_likely(counts, (edges[:-1] + edges[1:]) / 2)


def _equally_likely(counts: IntArray, centres: FloatArray) -> float:
    """Fit two normal distributions to a histogram; return where between their means they cross."""
    from scipy.stats import norm
    from skimage.filters import threshold_otsu

    start = threshold_otsu(hist=(counts, centres))
    width = centres[1] - centres[0]
    shares = (centres > start).astype(np.float64)
    previous = -np.inf
    weight = mean = deviation = np.zeros(2)
    for _ in range(ROUNDS):
        owned = np.stack([1 - shares, shares]) * counts
        weight = owned.sum(axis=1)
        if not (weight > 0).all():
            return float("nan")
        mean = (owned * centres).sum(axis=1) / weight
        spread = (owned * (centres - mean[:, None]) ** 2).sum(axis=1) / weight
        # a bin's own width: a class within one bin still has a deviation
        deviation = np.sqrt(np.maximum(spread, width**2 / 12))
        logs = np.log(weight / weight.sum())[:, None] + norm.logpdf(centres, mean[:, None], deviation[:, None])
        likelihood = float((np.logaddexp(*logs) * counts).sum())
        shares = np.exp(logs[1] - np.logaddexp(*logs))
        if likelihood - previous < SETTLED * abs(likelihood):
            break
        previous = likelihood
    grid = np.linspace(mean.min(), mean.max(), 4097)
    logs = np.log(weight)[:, None] + norm.logpdf(grid, mean[:, None], deviation[:, None])
    lower = int(np.argmin(mean))
    beyond = logs[1 - lower] > logs[lower]
    return float(grid[np.argmax(beyond)]) if beyond.any() and not beyond[0] else float("nan")
