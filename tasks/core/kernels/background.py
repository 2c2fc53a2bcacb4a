"""Mean of an image outside of its objects."""

import numpy as np

from tasks.core.kernels.bits import Stream, find_runs, most_runs, read, stream_of, words_of
from tasks.core.kernels.compiled import any_order, compiled
from tasks.core.types import AnyArray, BoolArray, FloatArray

ABREAST = 4
"""Planes that are summed side by side: memory answers several requests at once."""
ROWS = 8
"""Rows that are converted at a time, which keeps them near the processor."""


@compiled
def add_outside(images: AnyArray, outside: Stream, first: int, sums: AnyArray) -> None:
    """Add up the pixels of some rows of each plane where `outside` is set.

    What lies inside is not looked at, whatever it is. The sums of the rows are added one after the other, those within
    a row in any order, which leaves few roundings.

    Parameters
    ----------
    images
        (C, h, W) uint16 or float64, rows of each plane from `first` on.
    outside
        (H, W) as a stream of bits.
    sums
        (C,) int64 or float64, which the sums are added to.
    """
    channels, height, width = images.shape
    bits, runs = np.empty((1, words_of(width)), np.uint64), np.empty((most_runs(1, width), 3), np.int64)
    zero = sums.dtype.type(0)
    for channel in range(0, channels, ABREAST):
        # the last one again where there are fewer
        second, third = min(channel + 1, channels - 1), min(channel + 2, channels - 1)
        fourth = min(channel + 3, channels - 1)
        for row in range(height):
            read(outside, (first + row) * width, 1, width, bits)
            line_1, line_2, line_3, line_4 = (
                images[channel, row],
                images[second, row],
                images[third, row],
                images[fourth, row],
            )
            total_1 = total_2 = total_3 = total_4 = zero
            for run in range(find_runs(bits, 1, width, runs)):
                start, stop = runs[run, 1], runs[run, 2]
                sum_1, sum_2, sum_3, sum_4 = _sums(
                    line_1[start:stop], line_2[start:stop], line_3[start:stop], line_4[start:stop], zero
                )
                total_1, total_2 = total_1 + sum_1, total_2 + sum_2
                total_3, total_4 = total_3 + sum_3, total_4 + sum_4
            sums[channel] += total_1
            if second > channel:
                sums[second] += total_2
            if third > second:
                sums[third] += total_3
            if fourth > third:
                sums[fourth] += total_4


@any_order
def _sums(
    line_1: AnyArray, line_2: AnyArray, line_3: AnyArray, line_4: AnyArray, zero: float
) -> tuple[float, float, float, float]:
    """Sum line_4 lines of equal length."""
    sum_1 = sum_2 = sum_3 = sum_4 = zero
    for at in range(len(line_1)):
        sum_1 += line_1[at]
        sum_2 += line_2[at]
        sum_3 += line_3[at]
        sum_4 += line_4[at]
    return sum_1, sum_2, sum_3, sum_4


def outside_means(image: AnyArray, outside: BoolArray) -> FloatArray:
    """Mean of each plane where `outside` is set.

    Sums of whole numbers that fit into 16 bits are exact.

    Parameters
    ----------
    image
        (C, H, W) of any integer or float dtype.
    outside
        (H, W) bool.

    Returns
    -------
    FloatArray
        (C,) float64; NaN where `outside` is set nowhere, or a plane holds NaN there.
    """
    count = np.count_nonzero(outside)
    if not count:
        return np.full(len(image), np.nan)
    few = np.can_cast(image.dtype, np.uint16)
    kind = np.dtype(np.uint16 if few else np.float64)
    sums = np.zeros(len(image), np.int64 if few else np.float64)
    stream, height = stream_of(outside.ravel()), image.shape[1]
    rows = height if image.dtype == kind else ROWS
    for first in range(0, height, rows):
        add_outside(np.ascontiguousarray(image[:, first : first + rows], dtype=kind), stream, first, sums)
    return np.asarray(sums / count, dtype=np.float64)
