"""Pixels of a mask, collected along its runs."""

import numpy as np

from tasks.core.kernels.bits import Runs
from tasks.core.kernels.compiled import compiled
from tasks.core.types import AnyArray
from tasks.features.cells import LARGEST


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
        first, length = start + runs[run, 0] * width + runs[run, 1], runs[run, 2] - runs[run, 1]
        # of slices, for an index that may be negative costs a choice
        source, target = pixels[first : first + length], values[count : count + length]
        for at in range(length):
            target[at] = source[at]
            unfit += not abs(np.float64(source[at])) < LARGEST
        count += length
    return count, unfit == 0
