"""Metrics of the pixels' values."""

from math import sqrt

import numpy as np

from tasks.core.exact.sums import exact_total
from tasks.core.types import AnyArray, FloatArray
from tasks.quality.registry import register
from tasks.quality.view import View

NAN = float("nan")


@register("sum")
def pixel_sum(view: View) -> float:
    """Sum of the pixels, in the image's intensity unit. Of integers it is rounded once."""
    inside = view.inside
    return float(_total(inside)) if inside.size else NAN


@register("mean")
def pixel_mean(view: View) -> float:
    """Mean of the pixels, in the image's intensity unit. Of integers it is rounded once."""
    inside = view.inside
    return _total(inside) / inside.size if inside.size else NAN


@register("max")
def pixel_max(view: View) -> float:
    """Largest pixel."""
    inside = view.inside
    return float(inside.max()) if inside.size else NAN


@register("std")
def pixel_std(view: View) -> float:
    """Return the population standard deviation of the pixels."""
    inside = view.inside
    return sqrt(variance(inside)) if inside.size else NAN


def variance(values: AnyArray) -> float:
    """Return the population variance by the steps of ``numpy.var``, whose options take longer than few values do."""
    off = values - np.add.reduce(values, dtype=np.float64) / len(values)
    np.multiply(off, off, out=off)
    return float(np.add.reduce(off) / len(values))


@register("percentile", takes_percentile=True)
def percentile(view: View, *, percentile: float) -> float:
    """Percentile of the pixels, interpolated linearly."""
    inside = view.inside
    return _quantile(inside.astype(np.float64), percentile / 100) if inside.size else NAN


def _quantile(values: FloatArray, q: float) -> float:
    """Interpolate linearly between two order statistics, as numpy does; NaN where a value is NaN.

    ``numpy.quantile`` of a hundred values spends its time on options.
    """
    last = len(values) - 1
    place = last * q
    lower = min(int(place), last)
    upper = min(lower + 1, last)
    values.partition(sorted({lower, upper, last}))  # NaN come last
    if np.isnan(values[last]):
        return NAN
    below, above, share = float(values[lower]), float(values[upper]), place - lower
    return above - (above - below) * (1 - share) if share >= 0.5 else below + (above - below) * share


BIT_DEPTHS = (8, 10, 12, 14, 16, 32)
"""Cameras' bits per pixel."""


@register("saturated")
def saturated(view: View) -> float:
    """Share of the pixels at the detector's limit.

    The limit is the largest number of 8, 10, 12, 14, 16 or 32 bits that the whole frame does not exceed, 1 for floats
    of at most 1: cameras of 12 bits write 16-bit files.
    """
    inside = view.inside
    if not inside.size:
        return NAN
    highest = float(view.pixels.max()) if view.field is None else view.field.highest
    if view.pixels.dtype.kind == "f" and highest <= 1:
        return np.count_nonzero(inside == 1) / inside.size
    limit = next((2**bits - 1 for bits in BIT_DEPTHS if highest <= 2**bits - 1), None)
    return 0.0 if limit is None else np.count_nonzero(inside == limit) / inside.size


@register("signal_to_background", of_region=True)
def signal_to_background(view: View) -> float:
    """Mean of the region divided by the mean outside; NaN where the background is not positive."""
    return pixel_mean(view) / view.background if view.background > 0 else NAN


def _total(pixels: AnyArray) -> int | float:
    """Sum of pixels; of integers an int, which is exact however large it is."""
    return exact_total(pixels) if pixels.dtype.kind in "iu" else float(pixels.sum(dtype=np.float64))
