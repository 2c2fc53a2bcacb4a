"""Intensity-based statistics of the IBSI over a block of cells."""

import numpy as np

from tasks.core.kernels.bits import Stream, extent, find_runs, most_runs, read, words_of
from tasks.core.kernels.compiled import compiled, reduction
from tasks.core.kernels.sorting import allocate_scratch, order
from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import Counts
from tasks.features.definitions.histogram import INTENSITY
from tasks.features.kernels.pixels import gather

NUMBER = len(INTENSITY)
EPSILON = float(np.finfo(np.float64).eps)


@compiled
def measure_statistics(
    counts: Counts,
    reals: FloatArray,
    integral: bool,  # noqa: FBT001 - compiled functions take their arguments by position
    masks: Stream,
    shapes: IntArray,
    n_masks: int,
    channels: int,
    out: FloatArray,
) -> None:
    """Summarise each channel of each cell.

    Parameters
    ----------
    counts, …, channels
        Those of `tasks.features.blocks.Block`.
    out
        (N, 18·C) float64, the result.
    """
    tallest, widest = extent(shapes)
    bits, runs = np.empty((tallest, words_of(widest)), np.uint64), np.empty((most_runs(tallest, widest), 3), np.int64)
    values = np.empty(tallest * widest, np.float64)
    scratch = allocate_scratch(values)
    # as a variable: numba would compile what is called once more for the constant
    pixel_start = mask_start = int(np.int64(0))
    for cell in range(len(shapes)):
        height, width = shapes[cell, 0], shapes[cell, 1]
        number = 0
        for channel in range(channels):
            if channel < n_masks:
                read(masks, mask_start, height, width, bits)
                number = find_runs(bits, height, width, runs)
                mask_start += height * width
            row = out[cell, channel * NUMBER : (channel + 1) * NUMBER]
            row[:] = np.nan
            count, fine = gather(counts, reals, pixel_start, width, runs, number, values)
            if fine and count > 0:
                order(values, count, integral, scratch)
                summarise_sorted(values, count, row)
            pixel_start += height * width


@compiled
def summarise_sorted(values: FloatArray, count: int, out: FloatArray) -> None:
    """Derive what `tasks.features.plain.histogram.intensity_statistics` does.

    Parameters
    ----------
    values
        (≥ count,) float64, sorted, finite; at least one.
    out
        (18,) float64, the result; NaN before.
    """
    low, high = np.float64(values[0]), np.float64(values[count - 1])
    total, energy = totals(values[:count])
    mean = total / count if low < high else low
    median, tenth, ninetieth = at_share(values, count, 0.5), at_share(values, count, 0.1), at_share(values, count, 0.9)
    lower, upper = at_share(values, count, 0.25), at_share(values, count, 0.75)
    variance, absolute, from_median = deviations(values[:count], mean, median)
    first, stop = 0, count
    while first < count and values[first] < tenth:
        first += 1
    while stop > first and values[stop - 1] > ninetieth:
        stop -= 1
    out[0], out[1] = mean, variance
    if low < high and variance > (EPSILON * mean) ** 2:
        third, fourth = scores(values[:count], mean, np.sqrt(variance))
        out[2], out[3] = third, fourth - 3.0
    out[4], out[5], out[6], out[7], out[8] = median, low, tenth, ninetieth, high
    out[9], out[10], out[11] = upper - lower, high - low, absolute
    if stop > first:
        middle, _ = totals(values[first:stop])
        _, out[12], _ = deviations(values[first:stop], middle / (stop - first), 0.0)
    out[13] = from_median
    if mean != 0.0:
        out[14] = np.sqrt(variance) / mean
    if upper + lower != 0.0:
        out[15] = (upper - lower) / (upper + lower)
    out[16], out[17] = energy, np.sqrt(energy / count)


@compiled
def at_share(values: FloatArray, count: int, share: float) -> float:
    """Value below which a share of sorted values lies, linear between ranks, to the last bit as NumPy computes it."""
    rank = (count - 1) * share
    before = int(np.floor(rank))
    part = rank - before
    below, above = np.float64(values[before]), np.float64(values[min(before + 1, count - 1)])
    return above - (above - below) * (1.0 - part) if part >= 0.5 else below + (above - below) * part


@reduction
def totals(values: FloatArray) -> tuple[float, float]:
    """Sum of values and of their squares."""
    total = squares = 0.0
    for at in range(len(values)):
        value = np.float64(values[at])
        total += value
        squares += value * value
    return total, squares


@reduction
def deviations(values: FloatArray, mean: float, median: float) -> tuple[float, float, float]:
    """Mean squared and mean absolute deviation from the mean, mean absolute deviation from the median."""
    squares = absolute = from_median = 0.0
    for at in range(len(values)):
        value = np.float64(values[at])
        squares += (value - mean) * (value - mean)
        absolute += abs(value - mean)
        from_median += abs(value - median)
    number = len(values)
    return squares / number, absolute / number, from_median / number


@reduction
def scores(values: FloatArray, mean: float, deviation: float) -> tuple[float, float]:
    """Mean third and fourth powers of standardised values."""
    third = fourth = 0.0
    for at in range(len(values)):
        score = (values[at] - mean) / deviation
        third += score * score * score
        fourth += score * score * score * score
    return third / len(values), fourth / len(values)
