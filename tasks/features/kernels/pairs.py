"""Co-occurrence as the IBSI and Haralick define it, over a block of level images."""

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.bits import extent
from tasks.core.kernels.compiled import compiled
from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import LevelArray
from tasks.features.definitions.levels import LEVELS
from tasks.features.definitions.pairs import MEASURES
from tasks.features.definitions.texture import DIRECTIONS
from tasks.features.kernels.level_images import crop

NUMBER = len(MEASURES)
STEPS = len(DIRECTIONS)
SIDE = np.uint32(LEVELS + 1)
"""Side of a table of pairs; level 0 is what lies outside of the region."""
SIZE = np.uint32((LEVELS + 1) ** 2)
TABLES = 4

Tables = npt.NDArray[np.uint32]


@compiled
def measure_pairs(
    levels: LevelArray,
    shapes: IntArray,
    boxes: IntArray,
    areas: IntArray,
    distance: int,
    indices: IntArray,
    ranges: bool,  # noqa: FBT001 - compiled functions take their arguments by position
    out: FloatArray,
) -> None:
    """Measure the co-occurrence of each channel of each cell.

    Parameters
    ----------
    levels, shapes, boxes, areas
        See `tasks.features.blocks.LevelImages`.
    distance
        Chebyshev distance of the pixels of a pair.
    indices
        (K,) int64, which of `tasks.features.definitions.pairs.MEASURES` are wanted.
    ranges
        Whether the ranges over the directions follow the means.
    out
        (N, K·C) or, with ranges, (N, 2·K·C) float64, the result.
    """
    cells, channels = areas.shape
    tallest, widest = extent(shapes)
    framed = np.empty((tallest + 2 * distance) * (widest + 2 * distance), np.uint8)
    tables, counts = np.empty(TABLES * SIZE, np.uint32), np.empty(LEVELS * LEVELS, np.int64)
    sums, table = np.empty(4 * LEVELS, np.int64), np.empty(NUMBER)
    per_direction = np.empty((STEPS, NUMBER))
    wanted = len(indices)
    terms = 2 * wanted if ranges else wanted
    start = int(np.int64(0))
    for cell in range(cells):
        height, width = shapes[cell, 0], shapes[cell, 1]
        for channel in range(channels):
            row = out[cell, channel * terms : (channel + 1) * terms]
            row[:] = np.nan
            if areas[cell, channel] > 0:
                rows, columns = crop(levels, start, width, boxes[cell, channel], distance, framed)
                for direction in range(STEPS):
                    down, right = DIRECTIONS[direction]
                    pairs = count_pairs(framed, rows, columns, distance, down, right, tables, counts)
                    summarise_pairs(counts, pairs, sums, table)
                    for place in range(NUMBER):
                        per_direction[direction, place] = table[place]
                for place in range(wanted):
                    over_directions(per_direction, indices[place], ranges, row[place::wanted])
            start += height * width


@compiled
def count_pairs(
    framed: LevelArray,
    height: int,
    width: int,
    distance: int,
    down: int,
    right: int,
    tables: Tables,
    counts: IntArray,
) -> int:
    """Count the pairs of levels in one direction, each once.

    Parameters
    ----------
    framed
        Level image with a frame of zeros, `distance` wide.
    down, right
        Rows and columns of a step, which `distance` multiplies.
    tables
        (1156,) scratch.
    counts
        (256,) int64, the result: element 16·(first − 1) + second − 1.

    Returns
    -------
    int
        Number of pairs of which both pixels are in the region.
    """
    for at in range(len(tables)):
        tables[at] = 0
    stride = width + 2 * distance
    step = distance * (down * stride + right)
    unrolled = width - width % TABLES
    for row in range(height):
        first = (row + distance) * stride + distance
        near, far = framed[first : first + width], framed[first + step : first + step + width]
        # four tables in turn: equal pairs in succession need not wait for each other
        for at in range(0, unrolled, TABLES):
            tables[np.uint32(near[at]) * SIDE + np.uint32(far[at])] += 1
            tables[SIZE + np.uint32(near[at + 1]) * SIDE + np.uint32(far[at + 1])] += 1
            tables[2 * SIZE + np.uint32(near[at + 2]) * SIDE + np.uint32(far[at + 2])] += 1
            tables[3 * SIZE + np.uint32(near[at + 3]) * SIDE + np.uint32(far[at + 3])] += 1
        for at in range(unrolled, width):
            tables[np.uint32(near[at]) * SIDE + np.uint32(far[at])] += 1
    pairs = 0
    for i in range(LEVELS):
        for j in range(LEVELS):
            here, at = np.int64(0), (i + 1) * (LEVELS + 1) + j + 1
            for table in range(TABLES):
                here += tables[table * (LEVELS + 1) ** 2 + at]
            counts[LEVELS * i + j] = here
            pairs += int(here)
    return pairs


@compiled
def summarise_pairs(counts: IntArray, pairs: int, sums: IntArray, out: FloatArray) -> None:
    """Derive what `tasks.features.plain.pairs.pair_measures` does from pairs counted in one direction.

    Counted in both directions, each pair stands at (i, j) and at (j, i). All but the joint maximum, entropy and second
    moment follow from how many pairs have a level, a difference or a sum.

    Parameters
    ----------
    counts
        From `count_pairs`.
    pairs
        Their number.
    sums
        (64,) int64, scratch.
    out
        (25,) float64, the result.
    """
    out[:] = np.nan
    if pairs == 0:
        return
    margin, difference, both = sums[:LEVELS], sums[LEVELS : 2 * LEVELS], sums[2 * LEVELS :]
    total = 2 * pairs
    most, square, product, joint = marginal_counts(counts, total, sums)
    linear = used = 0
    for level in range(LEVELS):
        linear += (level + 1) * margin[level]
        used += margin[level] > 0
    mean, variance = linear / total, 0.0
    for level in range(LEVELS):
        variance += (level + 1 - mean) ** 2 * margin[level]
    variance /= total
    out[0], out[1], out[2], out[3] = most / total, mean, variance, joint
    distribution(difference, 0.0, total, out[4:7])
    distribution(both, 2.0, total, out[7:10])
    out[10] = square / (np.float64(total) * total)
    for place in range(11, 23):
        out[place] = 0.0
    for step in range(LEVELS):
        share, k = difference[step] / total, np.float64(step)
        out[11] += share * k * k
        out[12] += share * k
        out[13] += share / (1.0 + k)
        out[14] += share / (1.0 + k / LEVELS)
        out[15] += share / (1.0 + k * k)
        out[16] += share / (1.0 + k * k / (LEVELS * LEVELS))
        if step > 0:
            out[17] += share / (k * k)
    out[18], out[19] = np.nan, product / total
    for place in range(2 * LEVELS - 1):
        share, centred = both[place] / total, place + 2.0 - 2.0 * mean
        out[20] += share * centred**2
        out[21] += share * centred**3
        out[22] += share * centred**4
    single = entropy(margin, total)
    if used > 1:
        # 4 (i − μ)(j − μ) = (i + j − 2μ)² − (i − j)²
        out[18] = (out[20] - out[11]) / (4.0 * variance)
        out[23] = (joint - 2.0 * single) / single
    out[24] = np.sqrt(1.0 - np.exp(-2.0 * max(2.0 * single - joint, 0.0)))


@compiled
def marginal_counts(counts: IntArray, total: int, sums: IntArray) -> tuple[int, int, int, float]:
    """Count what has a level, a difference and a sum.

    Parameters
    ----------
    counts
        From `count_pairs`.
    total
        Twice the number of pairs.
    sums
        (64,) int64, the result: 16 levels, 16 differences, 31 sums, and a spare one.

    Returns
    -------
    tuple[int, int, int, float]
        Largest count, sum of the squared counts, sum of i·j, entropy.
    """
    for at in range(len(sums)):
        sums[at] = 0
    margin, difference, both = sums[:LEVELS], sums[LEVELS : 2 * LEVELS], sums[2 * LEVELS :]
    most = square = product = 0
    joint = 0.0
    for first in range(LEVELS):
        for second in range(first, LEVELS):
            here = counts[LEVELS * first + second] + counts[LEVELS * second + first]
            if here == 0:
                continue
            # how many pairs of the symmetric table stand at (i, j) and (j, i) together, which on the diagonal are one
            number = here if first == second else 2 * here
            margin[first] += here
            if first != second:
                margin[second] += here
            difference[second - first] += number
            both[first + second] += number
            most = max(most, here)
            square += number * here
            product += number * (first + 1) * (second + 1)
            joint -= number * np.log2(here / total)
    return most, square, product, joint / total


@compiled
def entropy(counts: IntArray, total: int) -> float:
    """−Σ p log₂ p of the shares p of counts in their total."""
    bits = 0.0
    for at in range(len(counts)):
        if counts[at] > 0:
            bits -= counts[at] * np.log2(counts[at] / total)
    return bits / total


@compiled
def distribution(counts: IntArray, offset: float, total: int, out: FloatArray) -> None:
    """Average, variance and entropy of places, counted from `offset` on."""
    linear = variance = 0.0
    for at in range(len(counts)):
        linear += (at + offset) * counts[at]
    mean = linear / total
    for at in range(len(counts)):
        variance += (at + offset - mean) ** 2 * counts[at]
    out[0], out[1], out[2] = mean, variance / total, entropy(counts, total)


@compiled
def over_directions(per_direction: FloatArray, place: int, ranges: bool, out: FloatArray) -> None:  # noqa: FBT001
    """Mean and, if wanted, range of a measure over the directions in which it is defined; NaN where there is none."""
    known, total, low, high = 0, 0.0, np.inf, -np.inf
    for direction in range(STEPS):
        value = per_direction[direction, place]
        if not np.isnan(value):
            known += 1
            total += value
            low, high = min(low, value), max(high, value)
    if known:
        out[0] = total / known
        if ranges:
            out[1] = high - low
