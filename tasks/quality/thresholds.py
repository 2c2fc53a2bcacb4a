"""Thresholds of a metric, from its values over a group of cells."""

from collections.abc import Callable
from math import fsum, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from pydantic import Field

from tasks.core.registry import Registry
from tasks.core.section import Method
from tasks.core.types import FloatArray


class ThresholdMethod(Method):
    """How a rule's threshold follows from the values of its metric."""


thresholds: Registry[ThresholdMethod, Callable[..., float]] = Registry("threshold")
"""Functions ``(values, config) -> threshold`` of at least one finite value."""


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


@thresholds.register(Absolute)
def absolute(values: FloatArray, config: Absolute) -> float:
    """Return the given value."""
    del values
    return config.value


@thresholds.register(Quantile)
def quantile(values: FloatArray, config: Quantile) -> float:
    """Return the q-quantile of the values, interpolated linearly (Hyndman and Fan's type 7)."""
    return float(np.quantile(values, config.q))


@thresholds.register(NormalQuantile)
def normal_quantile(values: FloatArray, config: NormalQuantile) -> float:
    """Return μ + Φ⁻¹(q)·σ with the population's standard deviation.

    Sums are rounded once, at their end, so that the order of the values does not matter.

    Examples
    --------
    >>> normal_quantile(np.array([1.0, 2.0, 3.0]), NormalQuantile(q=0.5))
    2.0
    """
    mean = fsum(values) / len(values)
    variance = fsum((values - mean) ** 2) / len(values)
    return mean + NormalDist().inv_cdf(config.q) * sqrt(variance)
