"""Differences of grey levels from the mean of their neighbours, over a block of level images."""

import numpy as np

from tasks.core.kernels.bits import extent
from tasks.core.kernels.compiled import compiled
from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import LevelArray
from tasks.features.definitions.levels import LEVELS
from tasks.features.definitions.ngtdm import MEASURES
from tasks.features.kernels.level_images import crop

NUMBER = len(MEASURES)
NEAR = 9
"""Numbers of neighbours, from none to eight."""


@compiled
def measure_tones(levels: LevelArray, shapes: IntArray, boxes: IntArray, areas: IntArray, out: FloatArray) -> None:
    """Measure the differences of tone of each channel of each cell; `out` (N, 5·C) float64 is the result.

    Levels, shapes, boxes and areas are those of `tasks.features.blocks.LevelImages`.
    """
    cells, channels = areas.shape
    tallest, widest = extent(shapes)
    framed = np.empty((tallest + 2) * (widest + 2), np.uint8)
    sums, near = np.empty(widest, np.uint8), np.empty(widest, np.uint8)
    counts, differences = np.empty((LEVELS + 1) * NEAR, np.int64), np.empty((LEVELS + 1) * NEAR, np.int64)
    # as variables: numba would compile what is called once more for the constant
    start, margin = int(np.int64(0)), int(np.int64(1))
    for cell in range(cells):
        height, width = shapes[cell, 0], shapes[cell, 1]
        for channel in range(channels):
            row = out[cell, channel * NUMBER : (channel + 1) * NUMBER]
            row[:] = np.nan
            if areas[cell, channel] > 0:
                rows, columns = crop(levels, start, width, boxes[cell, channel], margin, framed)
                collect(framed, rows, columns, sums, near, counts, differences)
                summarise_tones(counts, differences, row)
            start += height * width


@compiled
def collect(
    framed: LevelArray,
    height: int,
    width: int,
    sums: LevelArray,
    near: LevelArray,
    counts: IntArray,
    differences: IntArray,
) -> None:
    """Count the pixels of each level and number k of neighbours, and sum up |k·level − sum of the neighbours|.

    Whole numbers: they are divided by k at the end.

    Parameters
    ----------
    framed
        Flat level image with a frame of zeros, one pixel wide.
    sums, near
        Scratch, (≥ width,) uint8: of a row, the sum (up to 8·16) and the number of the neighbours.
    counts, differences
        (153,) int64, the result: element 9·level + k.
    """
    stride = width + 2
    for at in range(len(counts)):
        counts[at] = differences[at] = 0
    unit = np.uint8(1)
    for row in range(1, height + 1):
        first = row * stride + 1
        middle, total, number = framed[first : first + width], sums[:width], near[:width]
        for at in range(width):
            total[at] = number[at] = 0
        for down in range(-1, 2):
            other = first + down * stride
            left, below, right = (
                framed[other - 1 : other - 1 + width],
                framed[other : other + width],
                framed[other + 1 : other + 1 + width],
            )
            for at in range(width):
                total[at] += left[at] + below[at] + right[at]
                number[at] += min(left[at], unit) + min(below[at], unit) + min(right[at], unit)
        for at in range(width):
            level, k = np.int64(middle[at]), np.int64(number[at]) - 1
            if level > 0:
                counts[level * NEAR + k] += 1
                differences[level * NEAR + k] += abs(k * level - (np.int64(total[at]) - level))


@compiled
def summarise_tones(counts: IntArray, differences: IntArray, out: FloatArray) -> None:
    """Derive what `tasks.features.plain.tone_differences.tone_differences` does.

    Parameters
    ----------
    counts, differences
        From `collect`.
    out
        (5,) float64, the result; NaN before.
    """
    p, s, number = np.zeros(LEVELS + 1), np.zeros(LEVELS + 1), np.zeros(LEVELS + 1, np.int64)
    n = present = 0
    for level in range(1, LEVELS + 1):
        here = 0
        for k in range(1, NEAR):
            here += counts[level * NEAR + k]
            s[level] += differences[level * NEAR + k] / k
        number[level] = here
        n += here
        present += here > 0
    if n == 0:
        return
    weighted = total = 0.0
    for level in range(1, LEVELS + 1):
        p[level] = number[level] / n
        weighted += p[level] * s[level]
        total += s[level]
    contrast, crossed, complexity, strength = between_levels(number, p, s)
    out[3] = complexity / n
    if present > 1:
        out[1] = contrast / (present * (present - 1)) * total / n
        if weighted > 0.0:
            out[0] = 1.0 / weighted
            out[4] = strength / total
        if crossed > 0:
            out[2] = weighted / (crossed / n)


@compiled
def between_levels(number: IntArray, p: FloatArray, s: FloatArray) -> tuple[float, int, float, float]:
    """Sum over all ordered pairs of levels that occur what contrast, busyness, complexity and strength sum up.

    Parameters
    ----------
    number, p, s
        (17,) per level: pixels, their share, and the sum of their differences.
    """
    contrast = complexity = strength = 0.0
    crossed = 0
    for i in range(1, LEVELS + 1):
        for j in range(1, LEVELS + 1):
            if number[i] > 0 and number[j] > 0:
                step = np.float64(abs(i - j))
                contrast += p[i] * p[j] * step * step
                crossed += abs(i * number[i] - j * number[j])
                complexity += step * (p[i] * s[i] + p[j] * s[j]) / (p[i] + p[j])
                strength += (p[i] + p[j]) * step * step
    return contrast, crossed, complexity, strength
