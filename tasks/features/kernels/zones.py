"""Run lengths, zones, distances of zones and dependences of neighbours, over a block of level images."""

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.bits import extent
from tasks.core.kernels.compiled import compiled
from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import LevelArray
from tasks.features.definitions.emphases import EMPHASES
from tasks.features.definitions.levels import LEVELS
from tasks.features.definitions.texture import DIRECTIONS
from tasks.features.kernels.level_images import crop
from tasks.features.kernels.sizes import Table, add, empty, make_table, summarise_table

Numbers = npt.NDArray[np.int32]

RUNS, SIZES, DISTANCES, DEPENDENCES = range(4)
"""Which matrix is measured."""
STEPS = len(DIRECTIONS)
NEAR = 9
"""Pixels of a neighbourhood, the middle one included."""
LONG = 16
"""Runs of at least this length are counted one by one."""


@compiled
def measure_matrix(
    levels: LevelArray, shapes: IntArray, boxes: IntArray, areas: IntArray, kind: int, terms: int, out: FloatArray
) -> None:
    """Measure one of four matrices of levels against sizes of each channel of each cell.

    Parameters
    ----------
    levels, shapes, boxes, areas
        See `tasks.features.blocks.LevelImages`.
    kind
        `RUNS`, `SIZES`, `DISTANCES` or `DEPENDENCES`.
    terms
        K, how many of the features of `tasks.features.definitions.emphases` are wanted.
    out
        (N, K·C) float64, the result.
    """
    cells, channels = areas.shape
    tallest, widest = extent(shapes)
    size = (tallest + 2) * (widest + 2)
    framed, equal = np.empty(size, np.uint8), np.empty(size, np.uint8)
    parents, numbers, steps = np.empty(size, np.int32), np.empty(size, np.int32), np.zeros(size, np.int32)
    table, summary = make_table(tallest * widest), np.empty(EMPHASES)
    # as variables: numba would compile what is called once more for the constant
    start, margin = int(np.int64(0)), int(np.int64(1))
    for cell in range(cells):
        height, width = shapes[cell, 0], shapes[cell, 1]
        for channel in range(channels):
            row, area = out[cell, channel * terms : (channel + 1) * terms], areas[cell, channel]
            row[:] = 0.0 if area > 0 else np.nan
            if area > 0:
                rows, columns = crop(levels, start, width, boxes[cell, channel], margin, framed)
                for turn in range(STEPS if kind == RUNS else 1):
                    if kind == RUNS:
                        down, right = DIRECTIONS[turn]
                        count_runs(framed, rows, columns, down * (columns + 2) + right, numbers, table)
                    elif kind == DEPENDENCES:
                        count_dependences(framed, rows, columns, equal, table)
                    else:
                        find_zones(framed, rows, columns, parents)
                        if kind == DISTANCES:
                            border_steps(framed, rows, columns, steps)
                        count_zones(framed, rows, columns, parents, steps, kind == DISTANCES, numbers, table)
                    summarise_table(table, area, summary)
                    empty(table)
                    for term in range(terms):
                        row[term] += summary[term] / (STEPS if kind == RUNS else 1)
            start += height * width


@compiled
def count_runs(framed: LevelArray, height: int, width: int, step: int, lengths: Numbers, table: Table) -> None:
    """Count the runs of equal levels in the direction in which the flat image goes on by `step`.

    Whether a run goes on is as good as random, and a wrong guess of the processor takes long: short runs are counted
    without a choice, by adding 0 or 1.

    Parameters
    ----------
    framed
        Flat level image with a frame of zeros, one pixel wide.
    lengths
        Scratch, as large.
    """
    short = np.zeros((LEVELS + 1) * LONG, np.int64)
    for row in range(1, height + 1):
        first = row * (width + 2) + 1
        for at in range(first, first + width):
            level = framed[at]
            continues, ends = (framed[at - step] == level) & (level > 0), framed[at + step] != level
            length = lengths[at - step] * np.int32(continues) + np.int32(1)
            lengths[at] = length
            if length < LONG:
                short[np.int64(level) * LONG + np.int64(length)] += np.int64(ends)
            elif ends:
                add(table, int(np.int64(level)), int(np.int64(length)), 1)
    add_all(short, table)


@compiled
def add_all(counts: IntArray, table: Table) -> None:
    """Put counts, (17·S,) with element S·level + size, into a table; those of level 0 and of size 0 are left out."""
    stop = len(counts) // (LEVELS + 1)
    for level in range(1, LEVELS + 1):
        for size in range(1, stop):
            if counts[level * stop + size] > 0:
                add(table, level, size, counts[level * stop + size])


@compiled
def find_zones(framed: LevelArray, height: int, width: int, parents: Numbers) -> None:
    """Point every pixel of the region to the first one of its zone of 8-connected equal levels.

    Parameters
    ----------
    framed
        Flat level image with a frame of zeros, one pixel wide.
    parents
        The result, as large; anything outside the region.
    """
    stride = width + 2
    for row in range(1, height + 1):
        first = row * stride + 1
        for at in range(first, first + width):
            if framed[at] > 0:
                parents[at] = parent_of(framed, parents, at, stride)
    for row in range(1, height + 1):
        first = row * stride + 1
        for at in range(first, first + width):
            if framed[at] > 0:
                # what a pixel points to comes before it and points to the first one already
                parents[at] = parents[parents[at]]


@compiled
def parent_of(framed: LevelArray, parents: Numbers, at: int, stride: int) -> int:
    """Find an earlier pixel of the zone of a pixel, or itself; join two zones that meet in it.

    Of the four neighbours that come before a pixel the upper one touches the three others, and the left one the upper
    left one: these are of one zone already where their levels are equal.
    """
    level = framed[at]
    if framed[at - stride] == level:
        return int(parents[at - stride])
    before = -1
    if framed[at - 1] == level:
        before = at - 1
    elif framed[at - stride - 1] == level:
        before = at - stride - 1
    after = at - stride + 1 if framed[at - stride + 1] == level else -1
    if before >= 0 and after >= 0:
        return join(parents, before, after)
    return at if before < 0 and after < 0 else int(parents[max(before, after)])


@compiled
def join(parents: Numbers, a: int, b: int) -> int:
    """Join the trees of two pixels under the earlier root; return it."""
    first, second = root(parents, a), root(parents, b)
    low, high = min(first, second), max(first, second)
    parents[high] = low
    return low


@compiled
def root(parents: Numbers, at: int) -> int:
    """First pixel of the tree of a pixel; the way there is shortened."""
    while parents[at] != at:
        parents[at] = parents[parents[at]]
        at = int(parents[at])
    return at


@compiled
def border_steps(framed: LevelArray, height: int, width: int, steps: Numbers) -> None:
    """Count the steps to a side neighbour that lead from a pixel out of the region: 1 at its border."""
    stride = width + 2
    for at in range(stride * (height + 2)):
        steps[at] = 0
    unit = np.int32(1)
    for row in range(1, height + 1):
        first = row * stride + 1
        for at in range(first, first + width):
            if framed[at] > 0:
                steps[at] = min(steps[at - 1], steps[at - stride]) + unit
    for row in range(height, 0, -1):
        first = row * stride + 1
        for at in range(first + width - 1, first - 1, -1):
            if framed[at] > 0:
                steps[at] = min(steps[at], min(steps[at + 1], steps[at + stride]) + unit)


@compiled
def count_zones(
    framed: LevelArray,
    height: int,
    width: int,
    parents: Numbers,
    steps: Numbers,
    distances: bool,  # noqa: FBT001
    numbers: Numbers,
    table: Table,
) -> None:
    """Count the zones by their pixels or, with `distances`, by the smallest of their steps to the border.

    Parameters
    ----------
    parents, steps
        From `find_zones` and `border_steps`.
    numbers
        Scratch, as large.
    """
    stride = width + 2
    for row in range(1, height + 1):
        first = row * stride + 1
        for at in range(first, first + width):
            if framed[at] > 0:
                zone = parents[at]
                if zone == at:
                    numbers[at] = steps[at] if distances else 1
                elif distances:
                    numbers[zone] = min(numbers[zone], steps[at])
                else:
                    numbers[zone] += 1
    for row in range(1, height + 1):
        first = row * stride + 1
        for at in range(first, first + width):
            if framed[at] > 0 and parents[at] == at:
                add(table, int(np.int64(framed[at])), int(np.int64(numbers[at])), 1)


@compiled
def count_dependences(framed: LevelArray, height: int, width: int, equal: LevelArray, table: Table) -> None:
    """Count the pixels by their equal neighbours among eight, themselves included; `equal` is scratch."""
    stride = width + 2
    counts = np.zeros((LEVELS + 1) * (NEAR + 1), np.int64)
    for row in range(1, height + 1):
        first = row * stride + 1
        middle, near = framed[first : first + width], equal[:width]
        for at in range(width):
            near[at] = 0
        for down in range(-1, 2):
            other = first + down * stride
            left, below, right = (
                framed[other - 1 : other - 1 + width],
                framed[other : other + width],
                framed[other + 1 : other + 1 + width],
            )
            for at in range(width):
                near[at] += np.uint8(
                    np.uint8(left[at] == middle[at])
                    + np.uint8(below[at] == middle[at])
                    + np.uint8(right[at] == middle[at])
                )
        for at in range(width):
            counts[np.int64(middle[at]) * (NEAR + 1) + np.int64(near[at])] += 1
    add_all(counts, table)
