"""Texture over a block of cells, as profile ``standard`` and as profile ``scip`` define it."""

import numpy as np

from tasks.core.kernels.bits import NEAREST, OUTSIDE, Bits, Runs, Stream, extent, find_runs, most_runs, read, words_of
from tasks.core.kernels.compiled import ZERO, compiled, inner
from tasks.core.kernels.sorting import limits
from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import Counts
from tasks.features.cells import LARGEST
from tasks.features.kernels import gradient as sobel
from tasks.features.kernels.cooccurrence import MEASURES, NO_LEVEL, TABLE, Pairs, count_pairs, properties
from tasks.features.kernels.gradient import gradient, surrounded_runs
from tasks.features.kernels.levels import Levels, grey_levels
from tasks.features.kernels.pixels import gather

CORRELATION = 4


@compiled
def measure_texture(
    counts: Counts,
    reals: FloatArray,
    masks: Stream,
    shapes: IntArray,
    n_masks: int,
    channels: int,
    offsets: IntArray,
    reach: int,
    published: bool,  # noqa: FBT001 - compiled functions take their arguments by position
    out: FloatArray,
) -> None:
    """Measure co-occurrence and gradient of each channel of each cell.

    Parameters
    ----------
    counts, …, channels
        Those of `tasks.features.blocks.Block`.
    offsets
        (2, D, 2) int64, the rows (≥ 0) and columns from one pixel of a pair to the other, per distance and direction;
        2·D is a multiple of 4.
    reach
        The largest of them.
    published
        Whether all is as the published system has it: 16 edges, missing pixels count as outside, neighbours reflected
        at the frame, values in place of what is not defined. Else 16 bins, NaN where a pixel is missing, pixels inside
        the mask only, NaN for what is not defined in any direction.
    out
        (N, 28·C) float64, the result: per measure the mean over the directions at both distances, then the standard
        deviation; then four statistics of the gradient.
    """
    tallest, widest = extent(shapes)
    size, words = tallest * widest, words_of(widest)
    bits, surrounded_bits = np.empty((tallest, words), np.uint64), np.empty((tallest, words), np.uint64)
    padded = np.empty((tallest, words + 2), np.uint64)
    runs, around = (
        np.empty((most_runs(tallest, widest), 3), np.int64),
        np.empty((most_runs(tallest, widest), 3), np.int64),
    )
    values, plane, slopes = np.empty(size, np.float64), np.empty(size, np.float64), np.empty(size, np.float64)
    levels, image = np.empty(size, np.uint8), np.empty((tallest + reach + 1) * (widest + reach), np.uint8)
    directions, terms = offsets.shape[1], 4 * MEASURES + sobel.NUMBER
    steps, pairs = np.empty(2 * directions, np.int64), np.empty(2 * directions * TABLE, np.int32)
    per_direction = np.empty((directions, MEASURES), np.float64)
    beyond = NEAREST if published else OUTSIDE
    pixel_start = mask_start = mask = ZERO
    for cell in range(len(shapes)):
        height, width = shapes[cell, 0], shapes[cell, 1]
        stride = width + reach
        flatten(offsets, stride, steps)
        number, surrounded, changed = ZERO, ZERO, False
        for channel in range(channels):
            view = out[cell, channel * terms : (channel + 1) * terms]
            if channel < n_masks:
                mask, changed = mask_start, True
                mask_start += height * width
            if changed:
                read(masks, mask, height, width, bits)
            fine, dropped = True, False
            # once more where pixels are missing, which then count as outside
            for _ in range(2):
                if changed:
                    number = find_runs(bits, height, width, runs)
                    surrounded = surrounded_runs(bits, height, width, beyond, padded, surrounded_bits, around)
                count, fine = gather(counts, reals, pixel_start, width, runs, number, values)
                if fine or not published:
                    break
                drop_missing(reals, pixel_start, height, width, bits)
                changed = dropped = True
            changed = dropped
            if count == 0 or not fine:
                view[:] = np.nan
            else:
                low, high = limits(values, count)
                grey_levels(values, count, low, high, published, levels)
                image[: (height + reach + 1) * stride] = NO_LEVEL
                draw(values, low, levels, runs, number, width, stride, plane, image)
                count_pairs(image, stride, runs, number, steps, pairs)
                cooccurrence(pairs, published, per_direction, view)
                gradient(plane, height, width, around, surrounded, slopes, view[4 * MEASURES :])
            pixel_start += height * width


@inner
def flatten(offsets: IntArray, stride: int, steps: IntArray) -> None:
    """Turn offsets in rows and columns into those in a flat image with rows of `stride` pixels."""
    directions = offsets.shape[1]
    for distance in range(len(offsets)):
        for turn in range(directions):
            steps[distance * directions + turn] = offsets[distance, turn, 0] * stride + offsets[distance, turn, 1]


@inner
def draw(
    values: FloatArray,
    low: float,
    levels: Levels,
    runs: Runs,
    number: int,
    width: int,
    stride: int,
    plane: FloatArray,
    image: Levels,
) -> None:
    """Put values, less the smallest, and levels at their places in images with rows of `width` and `stride` pixels.

    The gradient of a large common value would leave its rounding behind.
    """
    at = 0
    for run in range(number):
        length = runs[run, 2] - runs[run, 1]
        here, there = runs[run, 0] * width + runs[run, 1], runs[run, 0] * stride + runs[run, 1]
        # of slices, for an index that may be negative costs a choice
        value, point = values[at : at + length], plane[here : here + length]
        for step in range(length):
            point[step] = value[step] - low
        # a slice that takes another one would bring the making of an error message along, seconds to compile
        source, target = levels[at : at + length], image[there : there + length]
        for step in range(length):
            target[step] = source[step]
        at += length


@inner
def cooccurrence(pairs: Pairs, published: bool, per_direction: FloatArray, view: FloatArray) -> None:  # noqa: FBT001
    """Mean and standard deviation of six measures over the directions, at two distances.

    Directions in which a measure is not defined are left out. As the published system has it, there the correlation is
    1 and all others are 0.

    Parameters
    ----------
    each
        Scratch, (D, 6) float64.
    """
    directions = len(per_direction)
    for distance in range(2):
        for turn in range(directions):
            table = (distance * directions + turn) * TABLE
            properties(pairs[table : table + TABLE], per_direction[turn])
        for measure in range(MEASURES):
            known, total, squares = 0, 0.0, 0.0
            for turn in range(directions):
                if published and np.isnan(per_direction[turn, measure]):
                    per_direction[turn, measure] = 1.0 if measure == CORRELATION else 0.0
                if not np.isnan(per_direction[turn, measure]):
                    known += 1
                    total += per_direction[turn, measure]
            mean = total / known
            for turn in range(directions):
                if not np.isnan(per_direction[turn, measure]):
                    squares += (per_direction[turn, measure] - mean) ** 2
            view[4 * measure + distance] = mean
            view[4 * measure + 2 + distance] = np.sqrt(squares / known)


@inner
def drop_missing(reals: FloatArray, start: int, height: int, width: int, bits: Bits) -> None:
    """Take the pixels that are no numbers out of a mask."""
    for row in range(height):
        for column in range(width):
            if not abs(reals[start + row * width + column]) < LARGEST:
                bits[row, column // 64] &= ~(np.uint64(1) << np.uint64(column % 64))
