"""The mask ``otsu`` of many channels."""

import numpy as np

from tasks.core.kernels.compiled import compiled, inner
from tasks.core.kernels.sorting import allocate_scratch as allocate_sorting_scratch
from tasks.core.kernels.sorting import order
from tasks.core.types import BoolArray, FloatArray, IntArray
from tasks.mask.kernels.cleaning import Scratch, above, allocate_scratch, clean, paint
from tasks.mask.kernels.filters import all_finite, extremes, frame, framed_size, smooth, sobel, to_unit_scale
from tasks.mask.kernels.histograms import MOST_PIXELS, best_split
from tasks.mask.kernels.medians import LARGEST, find_medians, lay_out
from tasks.mask.kernels.medians import Scratch as MedianScratch
from tasks.mask.kernels.medians import allocate_scratch as allocate_median_scratch

LEVELS = 512
"""Where pixels are above this, or negative, they are reduced to about as many levels."""


@compiled
def mask_otsu(
    pixels: FloatArray,
    shapes: IntArray,
    channels: int,
    weights: FloatArray,
    out: BoolArray,
    certain: BoolArray,
) -> None:
    """Mask the channels of a block as `tasks.mask.methods.otsu.otsu_mask` does.

    Parameters
    ----------
    pixels, shapes
        Of a `Block`.
    weights
        Half kernel of the Gaussian.
    out
        The result: flat masks, false before.
    certain
        (n, C), true before; the result: false where there are very many pixels, or very many different ones up to 512.
        The plain code has to mask such a plane.
    """
    scratch, medians = allocate_scratch(shapes), allocate_median_scratch(shapes)
    largest = 1
    for cell in range(len(shapes)):
        largest = max(largest, shapes[cell, 0] * shapes[cell, 1])
    codes = np.empty((2, largest), np.int64)
    work = np.empty((3, max(LEVELS + 2, framed_size(shapes, max(1, len(weights) - 1)))))
    start = 0
    for cell in range(len(shapes)):
        height, width = shapes[cell]
        size = height * width
        if size > 0 and (cell == 0 or height != shapes[cell - 1, 0] or width != shapes[cell - 1, 1]):
            lay_out(height, width, medians)
        for channel in range(channels):
            plane = pixels[start : start + size]
            if size > 0 and all_finite(plane):
                sure = size < MOST_PIXELS and _mask_plane(plane, height, width, weights, work, codes, medians, scratch)
                certain[cell, channel] = sure
                if sure:
                    paint(scratch.bits, height, width, out[start : start + size])
            start += size


@inner
def _mask_plane(  # noqa: C901 - loops over pixels
    plane: FloatArray,
    height: int,
    width: int,
    weights: FloatArray,
    work: FloatArray,
    integers: IntArray,
    medians: MedianScratch,
    scratch: Scratch,
) -> bool:
    """Mask a plane of finite pixels, into the bits of the scratch; return whether that can be done."""
    size = height * width
    scratch.bits[:] = 0
    low, high = extremes(plane)
    if low == high:
        return True
    levels, spare, contrast = work[0], work[1], work[2]
    peak = _levels(plane, low, high, levels)
    if peak < 1:
        return True
    codes, ranks = integers[0], integers[1]
    # the distinct values in ascending order, whose numbers are the medians' whole numbers
    reduced = not _are_levels(low, high)
    number = _distinct(levels, size, not reduced, spare)
    if number > LARGEST:
        return False
    _find_codes(levels[:size], spare, number, reduced, codes)
    find_medians(codes, height, width, medians, ranks)
    for at in range(size):
        contrast[at] = levels[at] - spare[ranks[at]]
    to_unit_scale(contrast[:size], contrast[:size])
    frame(contrast, width, height, width, len(weights) - 1, spare)
    framed = smooth(spare, height, width, weights, contrast)
    frame(spare, framed, height, width, 1, contrast)
    framed = sobel(contrast, height, width, spare)
    frame(spare, framed, height, width, 0, contrast)
    lowest, highest = extremes(contrast[:size])
    if lowest == highest:
        return True
    for at in range(size):
        codes[at] = np.int64((contrast[at] - lowest) / (highest - lowest) * peak)
    find_medians(codes, height, width, medians, ranks)
    counts, centres, split_scratch = np.zeros(LEVELS + 2, np.int64), np.empty(LEVELS + 2), np.empty(LEVELS + 2)
    first, last = ranks[0], ranks[0]
    for at in range(size):
        value = ranks[at]
        first, last = min(first, value), max(last, value)
        contrast[at] = value
    for at in range(size):
        counts[ranks[at]] += 1
    if first == last:
        return True
    for value in range(first, last + 1):
        centres[value] = value
    threshold = first + best_split(counts[first:], centres[first:], last + 1 - first, split_scratch)
    above(contrast[:size].reshape(height, width), threshold, scratch.bits)
    clean(height, width, size / 4, scratch)
    return True


@inner
def _distinct(levels: FloatArray, size: int, any_number: bool, distinct: FloatArray) -> int:  # noqa: FBT001 - compiled
    """Write the distinct values of levels in ascending order, or all whole numbers of the reduced ones; count them."""
    if not any_number:
        # a stamp may have fewer pixels than there are levels
        for at in range(LEVELS + 2):
            distinct[at] = at
        return LEVELS + 2
    for at in range(size):
        distinct[at] = levels[at]
    order(distinct[:size], size, False, allocate_sorting_scratch(distinct[:size]))  # noqa: FBT003 - by position
    number = 1
    for at in range(1, size):
        if distinct[at] != distinct[number - 1]:
            distinct[number] = distinct[at]
            number += 1
    return number


@inner
def _find_codes(levels: FloatArray, distinct: FloatArray, number: int, reduced: bool, codes: IntArray) -> None:  # noqa: FBT001
    """Find each level's place among the distinct ones; they are the `same` where all whole numbers are listed."""
    if reduced:
        for at in range(len(levels)):
            codes[at] = np.int64(levels[at])
        return
    for at in range(len(levels)):
        first, last = 0, number - 1
        while first < last:
            middle = (first + last + 1) // 2
            if distinct[middle] <= levels[at]:
                first = middle
            else:
                last = middle - 1
        codes[at] = first


@inner
def _are_levels(low: float, high: float) -> bool:
    return low >= 0 and high <= LEVELS


@inner
def _levels(plane: FloatArray, low: float, high: float, levels: FloatArray) -> float:
    """Reduce pixels as `tasks.mask.methods.otsu.grey_levels` does; return the largest level."""
    if _are_levels(low, high):
        for at in range(len(plane)):
            levels[at] = plane[at]
        return high
    edges = np.empty(LEVELS + 2)
    scaled = levels[: len(plane)]
    to_unit_scale(plane, scaled)
    start, stop = extremes(scaled)
    span = stop - start
    step = span / LEVELS
    for at in range(LEVELS):
        edges[at] = at * step + start
    edges[LEVELS], edges[LEVELS + 1] = stop, np.inf
    per_level = LEVELS / span
    for at in range(len(plane)):
        value = scaled[at]
        level = min(int((value - start) * per_level), LEVELS) + 1
        # rounding may have taken the next edge or the one before
        levels[at] = level + int(edges[level] <= value) - int(edges[level - 1] > value)
    return LEVELS + 1.0
