"""Median of a large square window around every pixel.

A window that moves by one pixel loses one column and gains another. Its values are counted by rank, at three levels
(single ranks, 128 of them, 128 · 128), so that adding one costs three increments and the median is found by walking
down the levels: the time per pixel grows with the window's side, not with its area.
"""

import numpy as np

from tasks.core.kernels.compiled import compiled, inner
from tasks.core.types import FloatArray, LabelArray

BITS = 7


@inner
def _count(
    ranks: LabelArray, top: int, column: int, size: int, change: int, counts: LabelArray, starts: LabelArray
) -> None:
    """Add or take away a column of the window."""
    for row in range(top, top + size):
        rank = ranks[row, column]
        counts[rank] += change
        counts[starts[0] + (rank >> BITS)] += change
        counts[starts[1] + (rank >> 2 * BITS)] += change


@inner
def _find(place: int, counts: LabelArray, starts: LabelArray) -> np.int32:
    """Rank of the value at a place, from 0 on, in the window's order."""
    bucket = starts[1]
    while counts[bucket] <= place:
        place -= counts[bucket]
        bucket += 1
    bucket = starts[0] + ((bucket - starts[1]) << BITS)
    while counts[bucket] <= place:
        place -= counts[bucket]
        bucket += 1
    bucket = (bucket - starts[0]) << BITS
    while counts[bucket] <= place:
        place -= counts[bucket]
        bucket += 1
    return np.int32(bucket)


@compiled
def slide(ranks: LabelArray, size: int, values: FloatArray, out: FloatArray) -> None:
    """Find the median of every window.

    Parameters
    ----------
    ranks
        (h + size − 1, w + size − 1) int32: each pixel's rank among all values, of the image with its frame.
    size
        Side of the window, odd.
    values
        The values in the order of their ranks.
    out
        (h, w), the result.
    """
    height, width = out.shape
    fine = ((len(values) >> 2 * BITS) + 1) << 2 * BITS
    starts = np.array([fine, fine + (fine >> BITS)], dtype=np.int32)
    counts = np.zeros(fine + (fine >> BITS) + (fine >> 2 * BITS), dtype=np.int32)
    middle = size * size // 2
    for row in range(height):
        for column in range(size - 1):
            _count(ranks, row, column, size, 1, counts, starts)
        for column in range(width):
            _count(ranks, row, column + size - 1, size, 1, counts, starts)
            out[row, column] = values[_find(middle, counts, starts)]
            _count(ranks, row, column, size, -1, counts, starts)
        for column in range(width, width + size - 1):
            _count(ranks, row, column, size, -1, counts, starts)
