"""Peaks that stand clear of each other: the pieces above a level that sinks, as they appear and merge."""

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import compiled, inner
from tasks.core.types import BoolArray, LabelArray

Line = npt.NDArray[np.float32]
"""(N,) float32."""

DIGIT = 11
"""Bits by which numbers are sorted at a time; three times that are enough for those above 0."""


@compiled
def peaks(height: Line, mask: BoolArray, neck: float, out: LabelArray) -> None:
    """Mark the pixel of each peak that stands clear, 1..K in raster order; see `tasks.segment.operations`.

    The pixels are taken from the highest to the lowest, of equal ones the first in raster order first. Each begins a
    piece, which it is the peak of, and joins it to those of its neighbors that have been taken. Of two pieces that
    meet, the lower peak stands clear if the place is below `neck` times its height.

    Parameters
    ----------
    height
        (H, W), above 0 in the mask.
    out
        (H, W), all 0.
    """
    rows, columns = mask.shape
    stride = columns + 2
    pixels, values = _descending(height, mask)
    # framed, so that no pixel has too few neighbors; −1: not taken, or not in the mask
    ranks = np.full((rows + 2) * stride, -1, np.int32)
    # the piece of a rank is that of its owner; peaks own themselves
    owners = np.empty(len(pixels), np.int32)
    marked = out.ravel()
    least = np.float32(neck)
    for rank in range(len(pixels)):
        here = pixels[rank] + stride + 1 + 2 * (pixels[rank] // columns)
        ranks[here] = owners[rank] = peak = rank
        for neighbor in (here - stride, here - 1, here + 1, here + stride):
            if ranks[neighbor] < 0:
                continue
            other = _peak_of(owners, ranks[neighbor])
            lower = max(peak, other)
            if lower != min(peak, other):
                peak = min(peak, other)
                owners[lower] = peak
                if values[rank] < values[lower] * least:
                    marked[pixels[lower]] = 1
    for rank in range(len(pixels)):
        if owners[rank] == rank:
            marked[pixels[rank]] = 1
    count = 0
    for at in range(len(marked)):
        if marked[at] != 0:
            count += 1
            marked[at] = count


@inner
def _peak_of(owners: LabelArray, rank: int) -> int:
    """Highest pixel of the piece that a rank is in; the way there is shortened."""
    while owners[rank] != rank:
        owners[rank] = owners[owners[rank]]
        rank = owners[rank]
    return rank


@inner
def _descending(height: Line, mask: BoolArray) -> tuple[LabelArray, Line]:
    """Sort the pixels of a mask, the highest first; of equal ones the order stays.

    Returns
    -------
    pixels : (N,) int32
        Flat indices.
    values : (N,) float32
        Their heights.
    """
    flat, inside = height.ravel(), mask.ravel()
    count = np.int64(0)
    for at in range(len(inside)):
        count += np.int64(inside[at])
    pixels, others = np.empty(count, np.int32), np.empty(count, np.int32)
    values, other_values = np.empty(count, np.float32), np.empty(count, np.float32)
    index = 0
    for at in range(len(inside)):
        if inside[at]:
            pixels[index], values[index] = at, flat[at]
            index += 1
    # the bits of positive numbers order like whole numbers
    starts = np.zeros((3, 1 << DIGIT), np.int32)
    bits = values.view(np.int32)
    for index in range(count):
        for digit in range(3):
            starts[digit, _digit(bits[index], digit)] += 1
    for digit in range(3):
        before = np.int32(0)
        for bin_ in range(1 << DIGIT):
            starts[digit, bin_], before = before, before + starts[digit, bin_]
        bits = values.view(np.int32)
        for index in range(count):
            bin_ = _digit(bits[index], digit)
            place = starts[digit, bin_]
            starts[digit, bin_] += 1
            others[place], other_values[place] = pixels[index], values[index]
        pixels, others = others, pixels
        values, other_values = other_values, values
    return pixels, values


@inner
def _digit(bits: int, digit: int) -> int:
    """Part of the bits of a number, less for a greater one."""
    return (~bits >> (digit * DIGIT)) & ((1 << DIGIT) - 1)
