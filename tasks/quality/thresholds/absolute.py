"""Threshold that is given."""

from typing import Literal

from pydantic import Field

from tasks.core.exact.statistics import Program
from tasks.quality.registry import ThresholdMethod, thresholds


class Absolute(ThresholdMethod):
    """A given value."""

    method: Literal["absolute"] = Field(default="absolute", description="A given value.")
    value: float = Field(description="The threshold, in the metric's unit.", allow_inf_nan=False)


@thresholds.register(Absolute)
def absolute(config: Absolute) -> Program[float]:
    """Return the given value."""
    yield from ()
    return config.value
