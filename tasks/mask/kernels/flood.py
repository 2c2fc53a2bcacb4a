"""Compact watershed: `tasks.mask.compact_watershed` with the same queue, move for move."""

import math
from typing import NamedTuple

import numpy as np

from tasks.core.kernels.compiled import compiled
from tasks.core.types import FloatArray, IntArray, LabelArray

ENTRIES = 5
"""Entries per pixel at most: each of its neighbours, and itself as a marker, may put it into the queue."""


class Queue(NamedTuple):
    """A binary heap of entries: what an entry costs, its age, the pixel to flood and the marker's pixel."""

    costs: FloatArray
    ages: LabelArray
    pixels: LabelArray
    sources: LabelArray


@compiled
def make_queue(largest: int) -> Queue:
    """Make room for the entries of an image of that many pixels."""
    number = ENTRIES * largest + 1
    return Queue(np.empty(number), np.empty(number, np.int32), np.empty(number, np.int32), np.empty(number, np.int32))


@compiled
def flood(values: FloatArray, height: int, width: int, labels: LabelArray, queue: Queue) -> None:
    """Flood an image from markers.

    Parameters
    ----------
    values
        (H·W,) float64, finite.
    labels
        (H·W,) int32, markers and 0; the result takes their place.
    queue
        From `make_queue`.
    """
    costs, ages, pixels, sources = queue
    size = height * width
    count = dry = 0
    for pixel in range(size):
        if labels[pixel]:
            push(costs, ages, pixels, sources, count, values[pixel], 0, pixel, pixel)
            count += 1
        else:
            dry += 1
    age = 0
    # once all is flooded what is left in the queue changes nothing
    while dry > 0 and count > 0:
        pixel, source = pixels[0], sources[0]
        count -= 1
        pop(costs, ages, pixels, sources, count)
        if labels[pixel] != 0:
            if pixel != source:
                continue
        else:
            dry -= 1
            labels[pixel] = labels[source]
        row, column = pixel // width, pixel % width
        source_row, source_column = source // width, source % width
        for side in range(4):
            next_row, next_column = row, column
            if side == 0:
                next_row -= 1
            elif side == 1:
                next_column -= 1
            elif side == 2:
                next_column += 1
            else:
                next_row += 1
            if next_row < 0 or next_row >= height or next_column < 0 or next_column >= width:
                continue
            neighbour = next_row * width + next_column
            if labels[neighbour] == 0:
                age += 1
                down, across = next_row - source_row, next_column - source_column
                cost = values[neighbour] + math.sqrt(down * down + across * across)
                push(costs, ages, pixels, sources, count, cost, age, neighbour, source)
                count += 1


@compiled
def push(
    costs: FloatArray,
    ages: LabelArray,
    pixels: LabelArray,
    sources: LabelArray,
    count: int,
    cost: float,
    age: int,
    pixel: int,
    source: int,
) -> None:
    """Add an entry to a heap of `count`: it rises from the end as long as it is less than its parent."""
    index = count
    while index > 0:
        parent = (index - 1) >> 1
        if not (cost < costs[parent] or (cost == costs[parent] and age < ages[parent])):
            break
        costs[index], ages[index] = costs[parent], ages[parent]
        pixels[index], sources[index] = pixels[parent], sources[parent]
        index = parent
    costs[index], ages[index], pixels[index], sources[index] = cost, age, pixel, source


@compiled
def pop(costs: FloatArray, ages: LabelArray, pixels: LabelArray, sources: LabelArray, count: int) -> None:
    """Take the first entry out of a heap, of which `count` are left.

    The last entry sinks from the root towards the lesser child, the first where both are equal, as long as that is
    less. It is let sink to the end here, and rises until it finds a lesser one: the same place.
    """
    cost, age, pixel, source = costs[count], ages[count], pixels[count], sources[count]
    index = 0
    child = 1
    while child < count:
        # without a branch: either child is as likely. Entry `count` is a spare one.
        after = child + 1
        less = (costs[after] < costs[child]) | ((costs[after] == costs[child]) & (ages[after] < ages[child]))
        child += int(less & (after < count))
        costs[index], ages[index] = costs[child], ages[child]
        pixels[index], sources[index] = pixels[child], sources[child]
        index = child
        child = 2 * index + 1
    while index > 0:
        parent = (index - 1) >> 1
        if costs[parent] < cost or (costs[parent] == cost and ages[parent] < age):
            break
        costs[index], ages[index] = costs[parent], ages[parent]
        pixels[index], sources[index] = pixels[parent], sources[parent]
        index = parent
    costs[index], ages[index], pixels[index], sources[index] = cost, age, pixel, source
