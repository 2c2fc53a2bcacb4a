"""How the pixels of each plane spread: what the channel filters look at."""

import math

import numpy as np

from tasks.core.kernels.compiled import compiled, reduction
from tasks.core.types import FloatArray, IntArray
from tasks.mask.kernels.filters import all_finite, extremes, to_unit_range

LOW, HIGH, SECOND, THIRD, FOURTH, EXPONENT = range(6)
"""What is measured: extremes, and central moments of the pixels scaled to [0, 1) by 2 to minus an exponent."""
MEASURED = 6


@compiled
def measure_spread(pixels: FloatArray, shapes: IntArray, channels: int, out: FloatArray) -> None:
    """Measure the channels of a block.

    Parameters
    ----------
    pixels, shapes
        Of a `Block`.
    out
        (n, C, 6), the result: NaN where a plane has none or other than finite pixels.
    """
    largest = 1
    for cell in range(len(shapes)):
        largest = max(largest, shapes[cell, 0] * shapes[cell, 1])
    scaled = np.empty(largest)
    start = 0
    for cell in range(len(shapes)):
        size = shapes[cell, 0] * shapes[cell, 1]
        for channel in range(channels):
            plane, measured = pixels[start : start + size], out[cell, channel]
            if size == 0 or not all_finite(plane):
                measured[:] = np.nan
            else:
                to_unit_range(plane, scaled[:size])
                low, high = extremes(plane)
                measured[LOW], measured[HIGH] = low, high
                measured[SECOND], measured[THIRD], measured[FOURTH] = _moments(scaled[:size])
                # `to_unit_range` halves before it scales
                measured[EXPONENT] = math.frexp(high * 0.5 - low * 0.5)[1] + 1
            start += size


@reduction
def _moments(values: FloatArray) -> tuple[float, float, float]:
    """Second, third and fourth central moment of at least one value."""
    count = len(values)
    total = 0.0
    for at in range(count):
        total += values[at]
    mean = total / count
    second = third = fourth = 0.0
    for at in range(count):
        off = values[at] - mean
        square = off * off
        second += square
        third += square * off
        fourth += square * square
    return second / count, third / count, fourth / count
