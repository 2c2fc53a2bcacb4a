"""Thresholds from order statistics and moments."""

from typing import Literal

from pydantic import Field

from tasks.core.exact import statistics
from tasks.core.exact.statistics import Program
from tasks.quality.registry import ThresholdMethod, thresholds


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


@thresholds.register(Quantile)
def quantile(config: Quantile) -> Program[float]:
    """Find the q-quantile of the values, interpolated linearly (Hyndman and Fan's type 7)."""
    return statistics.quantile(config.q)


@thresholds.register(NormalQuantile)
def normal_quantile(config: NormalQuantile) -> Program[float]:
    """Find μ + Φ⁻¹(q)·σ with the population's standard deviation."""
    return statistics.normal_quantile(config.q)


@thresholds.register(Mad)
def mad(config: Mad) -> Program[float]:
    """Find median + n · 1.4826 · MAD; NaN where the MAD is 0, that is, where half of the values are equal."""
    median = yield from statistics.quantile(0.5)
    threshold = yield from statistics.deviations_from_median(config.n)
    return threshold if threshold != median or config.n == 0 else float("nan")
