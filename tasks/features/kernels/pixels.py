"""Pixels of a mask, collected along its runs."""

from tasks.core.kernels.bits import Runs
from tasks.core.kernels.compiled import inner
from tasks.core.types import FloatArray
from tasks.features.blocks import Counts
from tasks.features.cells import LARGEST


@inner
def gather(
    counts: Counts, reals: FloatArray, start: int, width: int, runs: Runs, number: int, values: FloatArray
) -> tuple[int, bool]:
    """Collect the pixels of `number` runs of an image that lies in a flat buffer from `start` on.

    Parameters
    ----------
    counts, reals
        The buffer, of the type that the pixels have; the other one is empty. Everything behind this function is
        compiled for one type only.
    values
        (≥ pixels of the mask,) float64, the result.

    Returns
    -------
    tuple[int, bool]
        How many there are, and whether all of them are numbers, below `LARGEST`.
    """
    count = unfit = 0
    for run in range(number):
        first, length = start + runs[run, 0] * width + runs[run, 1], runs[run, 2] - runs[run, 1]
        # of slices, for an index that may be negative costs a choice
        target = values[count : count + length]
        if len(counts) > 0:
            source = counts[first : first + length]
            for at in range(length):
                target[at] = source[at]
        else:
            real = reals[first : first + length]
            for at in range(length):
                target[at] = real[at]
                unfit += not abs(real[at]) < LARGEST
        count += length
    return count, unfit == 0
