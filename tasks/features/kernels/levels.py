"""Grey levels of the pixels of a mask: 16 edges or 16 bins from the smallest to the largest."""

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import inner
from tasks.core.types import FloatArray
from tasks.features.definitions.levels import LEVELS, SLACK

Levels = npt.NDArray[np.uint8]


@inner
def grey_levels(
    values: FloatArray,
    count: int,
    low: float,
    high: float,
    published: bool,  # noqa: FBT001 - compiled functions take their arguments by position
    levels: Levels,
) -> None:
    """Give each value a level from 0 to 15, by edges where `published`, else by bins.

    Parameters
    ----------
    values
        (≥ count,) float64, the least of them `low` and the largest `high`.
    levels
        (≥ count,) uint8, the result.
    """
    if published:
        edge_levels(values, count, low, high, levels)
    else:
        bin_levels(values, count, low, high, levels)


@inner
def edge_levels(values: FloatArray, count: int, low: float, high: float, levels: Levels) -> None:
    """Count how many of 16 equidistant edges from `low` to `high` lie below each value, as profile ``scip`` has it.

    The edges are those of `numpy.linspace` to the last bit; about a single value they are ±0.5. Each edge is compared
    with all values before the next is: without jumps, many values at a time. The parameters are those of `grey_levels`.
    """
    if low == high:
        low, high = low - 0.5, high + 0.5
    step = (high - low) / (LEVELS - 1)
    for at in range(count):
        levels[at] = 0
    for number in range(LEVELS - 1):
        # a step too small for a number: numpy scales the fractions instead
        along = number * step if step != 0.0 else number / (LEVELS - 1) * (high - low)
        edge = along + low
        for at in range(count):
            levels[at] += values[at] > edge


@inner
def bin_levels(values: FloatArray, count: int, low: float, high: float, levels: Levels) -> None:
    """Cut the range into 16 equal bins, in the operations of the plain code; a single value has level 0."""
    if low == high:
        for at in range(count):
            levels[at] = 0
        return
    for at in range(count):
        position = LEVELS * ((values[at] - low) / (high - low))
        levels[at] = np.uint8(min(np.floor(position + SLACK), LEVELS - 1.0))
