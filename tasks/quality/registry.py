"""The parts of the quality stage: metrics of cells, and thresholds that they are held against."""

from collections.abc import Callable
from dataclasses import dataclass

from tasks.core.exact.statistics import Program
from tasks.core.registry import Parts, Registry
from tasks.core.section import Method

Metric = Callable[..., float]
"""(view) → number, or (view, percentile=…): NaN where the region is empty, or the metric is not defined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDef:
    """A metric of the pixels that a rule looks at.

    Parameters
    ----------
    function
        Measures a view; the first line of its docstring is what the documentation says.
    of_region
        Whether it is of a mask or object only: the whole image has none.
    needs_channel
        Whether it looks at pixels; one of shapes alone does not.
    takes_percentile
        Whether the rule says which percentile, the function's keyword `percentile`.
    """

    function: Metric
    of_region: bool = False
    needs_channel: bool = True
    takes_percentile: bool = False


metrics: Parts[MetricDef] = Parts("metric", "tasks.quality.metrics")


def register(name: str, **facts: bool) -> Callable[[Metric], Metric]:
    """Decorate the function of a metric; the other parameters are those of `MetricDef`."""

    def decorate(function: Metric) -> Metric:
        metrics.add(name, MetricDef(function=function, **facts))
        return function

    return decorate


def shape_metric(name: str) -> Callable[[Metric], Metric]:
    """Decorate the function of a metric that looks at a region, whatever its pixels."""
    return register(name, of_region=True, needs_channel=False)


class ThresholdMethod(Method):
    """How a rule's threshold follows from the values of its metric."""


thresholds: Registry[ThresholdMethod, Callable[..., Program[float]]] = Registry("threshold", "tasks.quality.thresholds")
"""Functions ``config -> program`` that finds the threshold of finite values that are not all equal (but for `Absolute`:
of at least one), NaN where these separate nothing. Such a threshold removes nothing."""
