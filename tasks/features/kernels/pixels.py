"""Pixels of a mask, collected along its runs."""

import numpy as np

from tasks.core.types import AnyArray
from tasks.features.cells import LARGEST
from tasks.features.kernels.bits import Runs
from tasks.features.kernels.compiled import compiled


@compiled
def gather(pixels: AnyArray, start: int, width: int, runs: Runs, number: int, values: AnyArray) -> tuple[int, bool]:
    """Collect the pixels of `number` runs of an image that lies in a flat buffer from `start` on.

    Returns
    -------
    tuple[int, bool]
        How many there are, and whether all of them are numbers, below `LARGEST`.
    """
    count = unfit = 0
    for run in range(number):
        first = start + runs[run, 0] * width + runs[run, 1]
        for at in range(runs[run, 2] - runs[run, 1]):
            value = pixels[first + at]
            values[count + at] = value
            unfit += not abs(np.float64(value)) < LARGEST
        count += runs[run, 2] - runs[run, 1]
    return count, unfit == 0
