"""Colocalization of all pairs of channels over a block of cells."""

from typing import NamedTuple

import numpy as np

from tasks.core.kernels.bits import Stream, extent, find_runs, most_runs, read, words_of
from tasks.core.kernels.compiled import compiled, reduction
from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import Counts
from tasks.features.definitions.colocalization import PER_PAIR, THRESHOLD
from tasks.features.kernels.order import OrderScratch, allocate_order_scratch, order_by
from tasks.features.kernels.pixels import gather

TOP, VARIANCE, SIGNAL, DIFFERENT, FINE, VARIES = range(6)
"""Places of what is known of a channel: largest pixel, sum of squared deviations, sum of its signal, number of
different values; whether all are numbers, and whether they differ."""


class Table(NamedTuple):
    """Pixels of one region, channel by channel."""

    values: FloatArray
    deviations: FloatArray
    ranks: FloatArray
    signal: FloatArray
    known: FloatArray


class Scratch(NamedTuple):
    """Scratch of one pair."""

    along: FloatArray
    below: FloatArray
    order: IntArray
    ordered: FloatArray
    order_scratch: OrderScratch


@compiled
def measure_colocalization(
    counts: Counts, reals: FloatArray, masks: Stream, shapes: IntArray, channels: int, out: FloatArray
) -> None:
    """Measure all pairs of channels of each cell, in a mask that they share.

    Parameters
    ----------
    counts, …, channels
        Those of `tasks.features.blocks.Block`.
    out
        (N, 11·C(C−1)/2) float64, the result.
    """
    tallest, widest = extent(shapes)
    size = tallest * widest
    bits, runs = np.empty((tallest, words_of(widest)), np.uint64), np.empty((most_runs(tallest, widest), 3), np.int64)
    table = Table(
        np.empty((channels, size), np.float64),
        np.empty((channels, size), np.float64),
        np.empty((channels, size), np.float64),
        np.empty((channels, size), np.float64),
        np.empty((channels, 6), np.float64),
    )
    scratch = Scratch(
        np.empty(size, np.float64),
        np.empty(size, np.float64),
        np.empty(size, np.int64),
        np.empty(size, np.float64),
        allocate_order_scratch(size),
    )
    # as a variable: numba would compile what is called once more for the constant
    pixel_start = mask_start = int(np.int64(0))
    for cell in range(len(shapes)):
        height, width = shapes[cell, 0], shapes[cell, 1]
        read(masks, mask_start, height, width, bits)
        number = find_runs(bits, height, width, runs)
        mask_start += height * width
        count = 0
        for channel in range(channels):
            count, fine = gather(counts, reals, pixel_start, width, runs, number, table.values[channel])
            table.known[channel, FINE] = fine and count > 0
            if fine and count > 0:
                prepare(table, channel, count, scratch)
            pixel_start += height * width
        pair = 0
        for first in range(channels):
            for second in range(first + 1, channels):
                view = out[cell, pair * PER_PAIR : (pair + 1) * PER_PAIR]
                view[:] = np.nan
                if table.known[first, FINE] > 0.0 and table.known[second, FINE] > 0.0:
                    measure_pair(table, first, second, count, scratch, view)
                pair += 1


@compiled
def prepare(table: Table, channel: int, count: int, scratch: Scratch) -> None:
    """Find deviations from the mean, ranks, signal and what else is known of one channel."""
    values, deviations, ranks = table.values[channel], table.deviations[channel], table.ranks[channel]
    signal, known = table.signal[channel], table.known[channel]
    order_by(values, count, scratch.order, scratch.ordered, scratch.order_scratch)
    rank = 0.0
    for at in range(count):
        rank += at > 0 and scratch.ordered[at] > scratch.ordered[at - 1]
        ranks[scratch.order[at]] = rank
    known[DIFFERENT], known[VARIES], known[TOP] = rank + 1.0, rank > 0.0, scratch.ordered[count - 1]
    total = 0.0
    for at in range(count):
        total += values[at] - values[0]
    mean, squares, light = total / count, 0.0, 0.0
    for at in range(count):
        deviations[at] = (values[at] - values[0]) - mean
        squares += deviations[at] * deviations[at]
        signal[at] = values[at] >= THRESHOLD * known[TOP]
        light += signal[at] * values[at]
    known[VARIANCE], known[SIGNAL] = squares, light


@compiled
def measure_pair(table: Table, channel: int, other: int, count: int, scratch: Scratch, out: FloatArray) -> None:
    """Measure a pair of channels; `out` (11,) float64, NaN, is the result."""
    x, y = table.values[channel, :count], table.values[other, :count]
    u, v = table.deviations[channel, :count], table.deviations[other, :count]
    first, second = table.known[channel], table.known[other]
    varies = first[VARIES] > 0.0 and second[VARIES] > 0.0
    common = 0.0
    for at in range(count):
        common += u[at] * v[at]
    if first[VARIES] > 0.0:
        out[1] = common / first[VARIANCE]
        if varies:
            out[0] = out[1] * np.sqrt(first[VARIANCE]) / np.sqrt(second[VARIANCE])
    if not (first[TOP] > 0.0 and second[TOP] > 0.0):
        return
    highest = max(first[DIFFERENT], second[DIFFERENT])
    both, products, squares, others, sum_x, sum_y, near_x, near_y = overlap(
        x, y, table.signal[channel], table.signal[other], table.ranks[channel], table.ranks[other], highest
    )
    if both > 0.0:
        out[2] = products / np.sqrt(squares) / np.sqrt(others)
        out[3], out[4] = products / squares, products / others
    out[5], out[6] = sum_x / first[SIGNAL], sum_y / second[SIGNAL]
    out[7], out[8] = near_x / first[SIGNAL], near_y / second[SIGNAL]
    if varies:
        out[9], out[10] = costes(x, y, u, v, common, first[VARIANCE], second[VARIANCE], scratch)


@reduction
def overlap(
    x: FloatArray,
    y: FloatArray,
    signal_x: FloatArray,
    signal_y: FloatArray,
    rank_x: FloatArray,
    rank_y: FloatArray,
    highest: float,
) -> tuple[float, float, float, float, float, float, float, float]:
    """Count the pixels that are signal of both, and sum what the coefficients need."""
    both = products = squares = others = sum_x = sum_y = near_x = near_y = 0.0
    for at in range(len(x)):
        here = signal_x[at] * signal_y[at]
        light, shine = here * x[at], here * y[at]
        weight = highest - abs(rank_x[at] - rank_y[at])
        both += here
        products += light * y[at]
        squares += light * x[at]
        others += shine * y[at]
        sum_x += light
        sum_y += shine
        near_x += light * weight
        near_y += shine * weight
    return both, products, squares, others, sum_x, sum_y, near_x / highest, near_y / highest


@compiled
def costes(
    x: FloatArray,
    y: FloatArray,
    u: FloatArray,
    v: FloatArray,
    common: float,
    squares_u: float,
    squares_v: float,
    scratch: Scratch,
) -> tuple[float, float]:
    """Parts of the intensities above Costes' thresholds that lie above both; the plain code says how."""
    count = len(x)
    if not common > 0.0:
        return 0.0, 0.0
    steep = squares_v - squares_u
    root = np.sqrt(steep * steep + 4 * common * common)
    slope = (root + steep) / (2 * common) if steep > 0 else 2 * common / (root - steep)
    along, below, order, ordered = scratch.along, scratch.below, scratch.order, scratch.ordered
    for at in range(count):
        along[at] = v[at] / slope
        below[at] = min(u[at], along[at])
    order_by(below, count, order, ordered, scratch.order_scratch)
    first = last_uncorrelated(u, v, order, ordered, count)
    if first == count:
        return 0.0, 0.0
    threshold = ordered[first]
    part_x = part_y = total_x = total_y = 0.0
    for at in range(count):
        if u[at] >= threshold:
            total_x += x[at]
        if along[at] >= threshold:
            total_y += y[at]
        if below[at] >= threshold:
            part_x += x[at]
            part_y += y[at]
    return part_x / total_x if total_x > 0.0 else np.nan, part_y / total_y if total_y > 0.0 else np.nan


@compiled
def last_uncorrelated(u: FloatArray, v: FloatArray, order: IntArray, ordered: FloatArray, count: int) -> int:
    """Size of the largest set of first pixels that do not correlate positively; 0 where there is none.

    Pixels of equal threshold come together; less than three, or equal ones, have no correlation.
    """
    last = 0
    sum_u = sum_v = products = 0.0
    low_u = low_v = np.inf
    high_u = high_v = -np.inf
    for at in range(count):
        a, b = u[order[at]], v[order[at]]
        sum_u += a
        sum_v += b
        products += a * b
        low_u, high_u = min(low_u, a), max(high_u, a)
        low_v, high_v = min(low_v, b), max(high_v, b)
        size = at + 1
        ties_end = size == count or ordered[size] > ordered[at]
        if ties_end and size >= 3 and high_u > low_u and high_v > low_v and size * products - sum_u * sum_v <= 0.0:
            last = size
    return last
