"""From the masks that a method found to those of whole cells: border rule, regions, box, backgrounds."""

import numpy as np

from tasks.core.kernels.bits import ALL, NONE, WORD, Bits, Runs, Stream, find_runs, read
from tasks.core.kernels.compiled import compiled
from tasks.core.kernels.components import label_runs
from tasks.core.types import BoolArray, FloatArray, IntArray, LabelArray
from tasks.mask.kernels.cleaning import Scratch, allocate_scratch, paint
from tasks.mask.kernels.sums import sum_exact, sum_pairwise

KEPT, NO_OBJECT, FILTERED, BORDER = range(4)
"""Statuses, as numbers."""


@compiled
def keep_uncut(  # noqa: C901, PLR0912, PLR0917 - one pass, and compiled code takes no keywords
    pixels: FloatArray,
    stream: Stream,
    shapes: IntArray,
    passed: BoolArray,
    united: BoolArray,
    main: int,
    limits: IntArray,
    least: float,
    exact: bool,  # noqa: FBT001 - compiled code takes no keywords
    own: BoolArray,
    combined: BoolArray,
    regions: LabelArray,
    box: LabelArray,
    status: LabelArray,
    background: FloatArray,
    combined_background: FloatArray,
) -> None:
    """Apply the verdicts of the channel filters and the border rule to a block; describe what is left.

    Parameters
    ----------
    pixels, shapes
        Of a `Block` of n cells, C channels.
    stream
        The masks that the method found, as bits.
    passed
        (n, C): channels that pass the filters.
    united
        (C,): channels whose masks unite in the combined mask.
    main
        Index of the main channel.
    limits
        (n,): how many border pixels an object of a cell may have.
    least
        The other number that stands for no light, beside 0 (see `tasks.mask.offset`).
    exact
        Whether the sum of any pixels is exact in whatever order.
    own, combined
        Results: flat masks of C channels and of one, false before.
    regions, box
        Results, (n, C) and (n, 4), zero before.
    status
        The result, (n,): `KEPT` and so on.
    background, combined_background
        Results, (n, C), NaN before.
    """
    scratch = allocate_scratch(shapes)
    channels = len(united)
    uncut = np.zeros((channels + 1, *scratch.bits.shape), np.uint64)
    largest = 1
    for cell in range(len(shapes)):
        largest = max(largest, shapes[cell, 0] * shapes[cell, 1])
    outside = np.empty(1 if exact else largest)
    start = plane = 0
    for cell in range(len(shapes)):
        height, width = shapes[cell]
        size = height * width
        # only whole cells with some light have an object, whatever the method
        blank = is_blank(pixels[start : start + channels * size], least)
        main_has_object = False
        for channel in range(channels):
            uncut[channel] = NONE
            if blank or not passed[cell, channel]:
                continue
            read(stream, start + channel * size, height, width, scratch.bits)
            number = find_runs(scratch.bits, height, width, scratch.runs)
            if channel == main:
                main_has_object = number > 0
            regions[cell, channel] = keep_inner(scratch, number, height, width, limits[cell], uncut[channel])
        if blank:
            status[cell] = NO_OBJECT
        elif not passed[cell, main]:
            status[cell] = FILTERED
        elif not main_has_object:
            status[cell] = NO_OBJECT
        elif regions[cell, main] == 0:
            status[cell] = BORDER
        else:
            status[cell] = KEPT
            union = uncut[channels]
            union[:] = NONE
            for channel in range(channels):
                if regions[cell, channel] > 0:
                    first = start + channel * size
                    paint(uncut[channel], height, width, own[first : first + size])
                    _widen_box(uncut[channel], height, width, scratch.runs, box[cell])
                    if united[channel]:
                        _unite(uncut[channel], union)
            paint(union, height, width, combined[plane : plane + size])
            for channel in range(channels):
                first = start + channel * size
                image = pixels[first : first + size]
                mean = outside_mean(image, uncut[channel], height, width, exact, outside, scratch.runs)
                background[cell, channel] = mean[0] if mean[1] > 0 else 0.0
                combined_background[cell, channel] = outside_mean(
                    image, union, height, width, exact, outside, scratch.runs
                )[0]
        start += channels * size
        plane += size


@compiled
def is_blank(values: FloatArray, least: float) -> bool:
    """Whether all values are 0, or all the `least` number; so it is of no values."""
    # most stamps tell at once
    dark = least if len(values) > 0 and values[0] == least else 0.0
    for at in range(len(values)):  # noqa: SIM110 - numba compiles no generator
        if values[at] != dark:
            return False
    return True


@compiled
def keep_inner(scratch: Scratch, number: int, height: int, width: int, limit: int, uncut: Bits) -> int:
    """Copy the 8-connected objects that the border rule leaves, and count them.

    Parameters
    ----------
    scratch
        Holds the runs of the mask, `number` of them.
    limit
        How many border pixels an object may have.
    kept
        The result: bits, none before.
    """
    _, runs, labels, rims = scratch
    objects = label_runs(runs, number, labels)
    rims[:objects] = 0
    for run in range(number):
        row, first, stop = runs[run, 0], runs[run, 1], runs[run, 2]
        rims[labels[run]] += (
            int(row == 0) * (stop - first)
            + int(row == height - 1) * (stop - first)
            + int(first == 0)
            + int(stop == width)
        )
    number_uncut = 0
    for label in range(objects):
        number_uncut += int(rims[label] <= limit)
    for run in range(number):
        if rims[labels[run]] <= limit:
            put(uncut[runs[run, 0]], runs[run, 1], runs[run, 2])
    return number_uncut


@compiled
def put(line: Bits, first: int, stop: int) -> None:
    """Add the columns from `first` to `stop` to a row of bits."""
    while first < stop:
        word = first // WORD
        end = min(stop, (word + 1) * WORD)
        line[word] |= (ALL >> np.uint64(WORD - (end - first))) << np.uint64(first - word * WORD)
        first = end


@compiled
def _unite(bits: Bits, union: Bits) -> None:
    for row in range(len(bits)):
        for word in range(bits.shape[1]):
            union[row, word] |= bits[row, word]


@compiled
def _widen_box(bits: Bits, height: int, width: int, runs: Runs, box: LabelArray) -> None:
    """Make a box hold a mask that is not empty; zeros are an empty box."""
    number = find_runs(bits, height, width, runs)
    empty = box[2] == 0
    for run in range(number):
        box[1] = runs[run, 1] if empty else min(box[1], runs[run, 1])
        box[3] = max(box[3], runs[run, 2])
        box[0] = runs[run, 0] if empty else min(box[0], runs[run, 0])
        empty = False
    box[2] = max(box[2], runs[number - 1, 0] + 1)


@compiled
def outside_mean(
    image: FloatArray,
    bits: Bits,
    height: int,
    width: int,
    exact: bool,  # noqa: FBT001 - compiled code takes no keywords
    outside: FloatArray,
    runs: Runs,
) -> tuple[float, int]:
    """Mean of what a mask leaves out, NaN of nothing, and the number of its pixels; `image` is flat."""
    number = find_runs(bits, height, width, runs)
    area = 0
    for run in range(number):
        area += runs[run, 2] - runs[run, 1]
    count = height * width - area
    if exact:
        total = sum_exact(image)
        for run in range(number):
            first = runs[run, 0] * width
            total -= sum_exact(image[first + runs[run, 1] : first + runs[run, 2]])
        return total / count, count
    filled = at = 0
    for run in range(number + 1):
        stop = height * width if run == number else runs[run, 0] * width + runs[run, 1]
        for pixel in range(at, stop):
            outside[filled] = image[pixel]
            filled += 1
        if run < number:
            at = runs[run, 0] * width + runs[run, 2]
    return sum_pairwise(outside, count) / count, count
