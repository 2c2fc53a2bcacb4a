"""Compact watershed: `tasks.mask.compact_watershed` with the same queue, move for move."""

import math
from typing import NamedTuple

import numpy as np

from tasks.core.kernels.compiled import compiled, inner
from tasks.core.types import FloatArray, IntArray, LabelArray
from tasks.mask.kernels.filters import BELOW_SIGN
from tasks.mask.kernels.flood_integral import LAST, flood_integral

ENTRIES = 5
"""Entries per pixel at most: each of its neighbours, and itself as a marker, may put it into the queue."""
OUTSIDE = -1
"""Label of what lies beyond the frame."""


class Queue(NamedTuple):
    """A binary heap of entries, and what the entries stand for.

    An entry has a key, which is its cost, and a number: its age, or, of a marker, whose age is 0, minus its pixel.
    `pixels` and `sources` tell of each age the pixel to flood and the marker's pixel, `rows` and `columns` where a
    pixel of the framed image lies. `costs` is the image as keys.
    """

    keys: IntArray
    numbers: LabelArray
    pixels: LabelArray
    sources: LabelArray
    rows: LabelArray
    columns: LabelArray
    costs: IntArray


@compiled
def make_queue(framed: int) -> Queue:
    """Allocate scratch for the entries of an image that has that many pixels with a frame of one pixel."""
    number = ENTRIES * framed
    return Queue(
        # levels of the heap are full
        np.empty(2 * number + 2, np.int64),
        np.empty(number, np.int32),
        np.empty(number, np.int32),
        np.empty(number, np.int32),
        np.empty(framed, np.int32),
        np.empty(framed, np.int32),
        np.empty(framed, np.int64),
    )


@compiled
def flood(values: FloatArray, height: int, width: int, labels: LabelArray, queue: Queue, roots: IntArray) -> None:
    """Flood an image from markers.

    Parameters
    ----------
    values
        (H·W,) float64, finite.
    labels
        Flat, (H + 2, W + 2) int32: markers and 0, and beyond the frame `OUTSIDE`; the result takes their place.
    queue
        From `make_queue`.
    roots
        From `tasks.mask.kernels.flood_integral.distances`.
    """
    keys, _, pixels, sources, rows, columns, costs = queue
    for row in range(height):
        for column in range(width):
            pixel = (row + 1) * (width + 2) + column + 1
            rows[pixel], columns[pixel] = row, column
    if not flood_integral(values, height, width, labels, keys, costs, pixels, sources, rows, columns, roots):
        _flood_any(values, height, width, labels, queue)


@inner
def key_of(cost: float, bits: IntArray) -> int:
    """Turn a cost into a whole number of the same order; `bits` is scratch, (1,)."""
    bits.view(np.float64)[0] = cost + 0.0  # no negative zero
    return int(bits[0] ^ ((bits[0] >> 63) & BELOW_SIGN))


@inner
def _flood_any(values: FloatArray, height: int, width: int, labels: LabelArray, queue: Queue) -> None:
    """Flood an image of any numbers."""
    keys, numbers, pixels, sources, rows, columns, _ = queue
    bits = np.empty(1, np.int64)
    # unsigned, because other indices are tested for being negative
    stride, unit = np.uint32(width + 2), np.uint32(1)
    count = dry = 0
    for row in range(height):
        for column in range(width):
            pixel = (row + 1) * (width + 2) + column + 1
            if labels[pixel] != 0:
                _push(keys, numbers, count, key_of(values[row * width + column], bits), -pixel)
                count += 1
            else:
                dry += 1
    age = 0
    # once all is flooded what is left in the queue changes nothing
    while dry > 0 and count > 0:
        number = numbers[0]
        count -= 1
        _pop(keys, numbers, count)
        if number > 0:
            at, source = np.uint32(pixels[number]), np.uint32(sources[number])
            if labels[at] != 0:
                continue
            dry -= 1
            labels[at] = labels[source]
        else:
            at = source = np.uint32(-number)
        up, left, right, down = at - stride, at - unit, at + unit, at + stride
        if labels[up] != 0 and labels[left] != 0 and labels[right] != 0 and labels[down] != 0:
            continue
        for neighbour in (up, left, right, down):
            if labels[neighbour] == 0:
                row, column = rows[neighbour], columns[neighbour]
                far, wide = row - rows[source], column - columns[source]
                cost = values[np.uint64(row * width + column)] + math.sqrt(far * far + wide * wide)
                age += 1
                pixels[age], sources[age] = neighbour, source
                _push(keys, numbers, count, key_of(cost, bits), age)
                count += 1


@inner
def _push(keys: IntArray, numbers: LabelArray, count: int, key: int, number: int) -> None:
    """Add an entry to a heap of `count`: it rises from the end as long as it is less than its parent."""
    index = count
    while index > 0:
        parent = (index - 1) >> 1
        above = keys[parent]
        if not (key < above or (key == above and max(number, 0) < max(numbers[parent], 0))):
            break
        keys[index], numbers[index] = above, numbers[parent]
        index = parent
    keys[index], numbers[index] = key, number


@inner
def _pop(keys: IntArray, numbers: LabelArray, count: int) -> None:
    """Take the first entry out of a heap, of which `count` are left.

    The last entry sinks from the root towards the lesser child, the first where both are equal, as long as that is
    less. It is let sink to the end here, and rises until it finds a lesser one: the same place.
    """
    key, number = keys[count], numbers[count]
    keys[count], numbers[count] = LAST, 0
    unit, end = np.uint64(1), np.uint64(count)
    index, child = np.uint64(0), np.uint64(1)
    while child < end:
        first, second = keys[child], keys[child + unit]
        less = second < first
        if second == first:
            less = max(numbers[child + unit], 0) < max(numbers[child], 0)
        # without a branch: either child is as likely
        child += np.uint64(less)
        keys[index] = second if less else first
        numbers[index] = numbers[child]
        index = child
        child = index + index + unit
    while index > 0:
        parent = (index - unit) >> unit
        above = keys[parent]
        if above < key or (above == key and max(numbers[parent], 0) < max(number, 0)):
            break
        keys[index], numbers[index] = above, numbers[parent]
        index = parent
    keys[index], numbers[index] = key, number
