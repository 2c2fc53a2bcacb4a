"""Grey levels of profile ``scip``: how many of 16 edges lie below a pixel."""

import numpy as np

from tasks.core.kernels.bits import Runs
from tasks.core.kernels.compiled import compiled
from tasks.core.kernels.sorting import limits
from tasks.core.types import AnyArray, FloatArray
from tasks.features.cooccurrence import LEVELS
from tasks.features.kernels.cooccurrence import Levels


@compiled
def grey_levels(
    values: AnyArray, count: int, edges: FloatArray, levels: Levels, runs: Runs, number: int, width: int, image: Levels
) -> None:
    """Give the pixels of a mask levels from 0 to 15.

    Each edge is compared with all pixels before the next is: without jumps, many pixels at a time.

    Parameters
    ----------
    values
        (≥ count,) the pixels of the mask in the order of its runs.
    edges, levels
        Scratch, (16,) float64 and (≥ count,) uint16.
    runs
        `number` runs of the mask.
    width
        Of the image.
    image
        Flat image; written along the runs.
    """
    low, high = limits(values, count)
    equidistant(low, high, edges)
    levels[:count] = 0
    for edge in range(LEVELS):
        raise_levels(values, count, edges[edge], levels)
    at = 0
    for run in range(number):
        first = runs[run, 0] * width + runs[run, 1]
        length = runs[run, 2] - runs[run, 1]
        source, target = levels[at : at + length], image[first : first + length]
        for step in range(length):
            target[step] = source[step]
        at += length


@compiled
def equidistant(low: float, high: float, edges: FloatArray) -> None:
    """Set 16 edges from `low` to `high` to the last bit as `numpy.linspace` does; about a single value, ±0.5."""
    if low == high:
        low, high = low - 0.5, high + 0.5
    step = (high - low) / (LEVELS - 1)
    for edge in range(LEVELS):
        # a step too small for a number: numpy scales the fractions instead
        along = edge * step if step != 0.0 else edge / (LEVELS - 1) * (high - low)
        edges[edge] = along + low
    edges[LEVELS - 1] = high


@compiled
def raise_levels(values: AnyArray, count: int, edge: float, levels: Levels) -> None:
    """Add 1 to the level of each value that is larger than an edge."""
    if values.itemsize == 2:
        # of whole numbers those larger than the edge are those larger than its whole part
        whole = values.dtype.type(np.floor(edge)) if edge >= 0.0 else values.dtype.type(0)
        if edge < 0.0:
            levels[:count] += np.uint16(1)
            return
        for at in range(count):
            levels[at] += np.uint16(values[at] > whole)
        return
    for at in range(count):
        levels[at] += np.uint16(values[at] > edge)
