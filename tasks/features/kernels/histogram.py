"""Statistics of grey levels as the IBSI defines them, over a block of level images."""

import numpy as np

from tasks.core.kernels.compiled import compiled
from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import LevelArray
from tasks.features.definitions.histogram import HISTOGRAM
from tasks.features.definitions.levels import LEVELS

NUMBER = len(HISTOGRAM)


@compiled
def measure_histogram(levels: LevelArray, shapes: IntArray, boxes: IntArray, areas: IntArray, out: FloatArray) -> None:
    """Measure the histogram of each channel of each cell; `out` (N, 23·C) float64 is the result.

    Levels, shapes, boxes and areas are those of `tasks.features.blocks.LevelImages`.
    """
    cells, channels = areas.shape
    counts = np.empty(LEVELS + 1, np.int64)
    start = int(np.int64(0))
    for cell in range(cells):
        width = shapes[cell, 1]
        for channel in range(channels):
            row, box = out[cell, channel * NUMBER : (channel + 1) * NUMBER], boxes[cell, channel]
            row[:] = np.nan
            if areas[cell, channel] > 0:
                counts[:] = 0
                for y in range(box[0], box[2]):
                    for at in range(start + y * width + box[1], start + y * width + box[3]):
                        counts[levels[at]] += 1
                summarise_histogram(counts, areas[cell, channel], row)
            start += shapes[cell, 0] * width


@compiled
def summarise_histogram(counts: IntArray, n: int, out: FloatArray) -> None:
    """Derive what `tasks.features.plain.histogram.histogram_statistics` does.

    Parameters
    ----------
    counts
        (17,) int64, pixels of each level; those of level 0 lie outside.
    n
        Number of pixels.
    out
        (23,) float64, the result; NaN before.
    """
    low, high, total = LEVELS, 1, 0
    for level in range(1, LEVELS + 1):
        if counts[level] > 0:
            low, high = min(low, level), max(high, level)
        total += level * counts[level]
    mean, median = total / n, percentile(counts, n, 0.5)
    lower, upper = percentile(counts, n, 0.25), percentile(counts, n, 0.75)
    tenth, ninetieth = percentile(counts, n, 0.1), percentile(counts, n, 0.9)
    variance, absolute = deviations(counts, n, mean, 1.0, np.float64(LEVELS))
    _, from_median = deviations(counts, n, median, 1.0, np.float64(LEVELS))
    inside = inside_sum = 0
    for level in range(1, LEVELS + 1):
        if tenth <= level <= ninetieth:
            inside += counts[level]
            inside_sum += level * counts[level]
    if low < high:
        third = fourth = 0.0
        for level in range(1, LEVELS + 1):
            score = (level - mean) / np.sqrt(variance)
            third += counts[level] / n * score**3
            fourth += counts[level] / n * score**4
        out[2], out[3] = third, fourth - 3.0
    if inside > 0:
        _, out[13] = deviations(counts, inside, inside_sum / inside, tenth, ninetieth)
    out[0], out[1], out[4], out[5], out[6], out[7] = mean, variance, median, low, tenth, ninetieth
    out[8], out[10], out[11], out[12] = high, upper - lower, high - low, absolute
    out[14], out[15], out[16] = from_median, np.sqrt(variance) / mean, (upper - lower) / (upper + lower)
    outline(counts, n, total, out)


@compiled
def deviations(counts: IntArray, n: int, centre: float, low: float, high: float) -> tuple[float, float]:
    """Mean squared and absolute deviation from a centre of the `n` pixels whose levels are from `low` to `high`."""
    squares = absolute = 0.0
    for level in range(1, LEVELS + 1):
        if low <= level <= high:
            share = counts[level] / n
            squares += share * (level - centre) ** 2
            absolute += share * abs(level - centre)
    return squares, absolute


@compiled
def outline(counts: IntArray, n: int, total: int, out: FloatArray) -> None:
    """Set mode, entropy, uniformity and the gradients of the histogram; `total` is the sum of the levels."""
    mode, squares, entropy = 1, 0, 0.0
    steepest, lowest, steepest_level, lowest_level = -np.inf, np.inf, 0, 0
    for level in range(1, LEVELS + 1):
        count = counts[level]
        # of two levels with as many pixels the nearer to the mean, n times as large
        nearer = abs(level * n - total) < abs(mode * n - total)
        if count > counts[mode] or (count == counts[mode] and nearer):
            mode = level
        if count > 0:
            entropy -= count / n * np.log2(count / n)
        squares += count * count
        before, after = max(level - 1, 1), min(level + 1, LEVELS)
        slope = (counts[after] - counts[before]) / (after - before)
        if slope > steepest:
            steepest, steepest_level = slope, level
        if slope < lowest:
            lowest, lowest_level = slope, level
    out[9], out[17], out[18] = mode, entropy, squares / (np.float64(n) * n)
    out[19], out[20], out[21], out[22] = steepest, steepest_level, lowest, lowest_level


@compiled
def percentile(counts: IntArray, n: int, share: float) -> float:
    """Level below which a share of the pixels lies, linear between ranks, to the last bit as NumPy computes it."""
    rank = (n - 1) * share
    before = int(np.floor(rank))
    part = rank - before
    below = level_at(counts, before)
    above = level_at(counts, min(before + 1, n - 1))
    step = np.float64(above - below)
    return above - step * (1.0 - part) if part >= 0.5 else below + step * part


@compiled
def level_at(counts: IntArray, rank: int) -> int:
    """Level of the pixel of a rank, counted from 0, in ascending order."""
    level, below = 1, counts[1]
    while below <= rank:
        level += 1
        below += counts[level]
    return level
