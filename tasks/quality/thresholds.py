"""Thresholds of a metric: programs that find them from the values of a group of cells, wherever these lie."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from pydantic import Field

from tasks.core.exact import programs
from tasks.core.exact.programs import Program
from tasks.core.registry import Registry
from tasks.core.section import Method
from tasks.core.types import FloatArray, IntArray


class ThresholdMethod(Method):
    """How a rule's threshold follows from the values of its metric."""


thresholds: Registry[ThresholdMethod, Callable[..., Program[float]]] = Registry("threshold")
"""Functions ``config -> program`` that finds the threshold of finite values that are not all equal (but for `Absolute`:
of at least one), NaN where these separate nothing. Such a threshold removes nothing."""


class Absolute(ThresholdMethod):
    """A given value."""

    method: Literal["absolute"] = Field(default="absolute", description="A given value.")
    value: float = Field(description="The threshold, in the metric's unit.", allow_inf_nan=False)


class Quantile(ThresholdMethod):
    """The value below which a share q of the values lies."""

    method: Literal["quantile"] = Field(default="quantile", description="A quantile of the values.")
    q: float = Field(description="Share of the values below the threshold.", ge=0, le=1)


class NormalQuantile(ThresholdMethod):
    """The q-quantile of the normal distribution with the values' mean and standard deviation."""

    method: Literal["normal_quantile"] = Field(
        default="normal_quantile", description="A quantile of the normal distribution that fits the values."
    )
    q: float = Field(description="Share of that normal distribution below the threshold.", gt=0, lt=1)


class Mad(ThresholdMethod):
    """So many robust standard deviations above or below the median."""

    method: Literal["mad"] = Field(default="mad", description="Median + n · 1.4826 · median absolute deviation.")
    n: float = Field(
        description="Robust standard deviations above the median; negative: below it.", allow_inf_nan=False
    )


class Otsu(ThresholdMethod):
    """The value that divides the values into the two classes of least variance."""

    method: Literal["otsu"] = Field(default="otsu", description="Between two classes of least variance within each.")


class Mixture(ThresholdMethod):
    """The value at which two normal distributions, fitted together, are equally likely."""

    method: Literal["mixture"] = Field(
        default="mixture", description="Where two normal distributions fitted to the values are equally likely."
    )


@thresholds.register(Absolute)
def absolute(config: Absolute) -> Program[float]:
    """Return the given value."""
    yield from ()
    return config.value


@thresholds.register(Quantile)
def quantile(config: Quantile) -> Program[float]:
    """Find the q-quantile of the values, interpolated linearly (Hyndman and Fan's type 7)."""
    return programs.quantile(config.q)


@thresholds.register(NormalQuantile)
def normal_quantile(config: NormalQuantile) -> Program[float]:
    """Find μ + Φ⁻¹(q)·σ with the population's standard deviation."""
    return programs.normal_quantile(config.q)


@thresholds.register(Mad)
def mad(config: Mad) -> Program[float]:
    """Find median + n · 1.4826 · MAD; NaN where the MAD is 0, that is, where half of the values are equal."""
    median = yield from programs.quantile(0.5)
    threshold = yield from programs.deviations_from_median(config.n)
    return threshold if threshold != median or config.n == 0 else float("nan")


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
    counts, edges = yield from programs.histogram(OTSU_BINS)
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
    counts, edges = yield from programs.histogram(MIXTURE_BINS)
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
