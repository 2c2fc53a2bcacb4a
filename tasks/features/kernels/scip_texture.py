"""Texture of profile ``scip`` over a stack of cells."""

import numpy as np

from tasks.core.kernels.bits import Bits, Runs, Stream, extent, find_runs, most_runs, read, words_of
from tasks.core.kernels.compiled import compiled
from tasks.core.types import AnyArray, FloatArray, IntArray
from tasks.features.cells import LARGEST
from tasks.features.cooccurrence import LEVELS
from tasks.features.kernels import gradient as sobel
from tasks.features.kernels.cooccurrence import MEASURES, Levels, count_pairs, pair_runs, properties
from tasks.features.kernels.gradient import gradient, surrounded_runs
from tasks.features.kernels.levels import grey_levels
from tasks.features.kernels.pixels import gather

SETS = 6
"""Sets of pixels in which a channel is looked at: see `find_sets`."""
MASK, SURROUNDED, PAIRS = 0, 1, 2


@compiled
def measure_texture(
    pixels: AnyArray, masks: Stream, shapes: IntArray, planes: int, channels: int, steps: IntArray, found: FloatArray
) -> None:
    """Measure co-occurrence and gradient of each channel of each cell.

    Parameters
    ----------
    pixels
        Flat uint16 or float64, (C, Hᵢ, Wᵢ) per cell.
    masks
        Stream of bits, (P, Hᵢ, Wᵢ) per cell, P = `planes`, 1 or C.
    shapes
        (N, 2) int64.
    channels
        C.
    steps
        (2,) int64, the rows and columns from one pixel of a pair to the other, for each named distance.
    found
        (N, 28·C) float64, the result.
    """
    tallest, widest = extent(shapes)
    size, words = tallest * widest, words_of(widest)
    bits, clean = np.empty((tallest, words), np.uint64), np.empty((tallest, words), np.uint64)
    padded, scratch = np.empty((tallest, words + 2), np.uint64), np.empty((tallest, words), np.uint64)
    runs = np.empty((SETS, most_runs(tallest, widest), 3), np.int64)
    clean_runs = np.empty((SETS, most_runs(tallest, widest), 3), np.int64)
    numbers, clean_numbers = np.zeros(SETS, np.int64), np.zeros(SETS, np.int64)
    values, slopes = np.empty(size, pixels.dtype), np.empty(size, np.float64)
    levels, image = np.empty(size, np.uint16), np.empty(size, np.uint16)
    edges, counts = np.empty(LEVELS, np.float64), np.empty(2 * LEVELS * LEVELS, np.int64)
    each = np.empty((2, MEASURES), np.float64)
    terms = 4 * MEASURES + sobel.NUMBER
    # as a variable: numba would compile what is called once more for the constant
    pixel_start = mask_start = int(np.int64(0))
    for cell in range(len(shapes)):
        height, width = shapes[cell, 0], shapes[cell, 1]
        area = height * width
        for channel in range(channels):
            if channel < planes:
                read(masks, mask_start, height, width, bits)
                find_sets(bits, height, width, steps, padded, scratch, runs, numbers)
                mask_start += area
            view = found[cell, channel * terms : (channel + 1) * terms]
            count, fine = gather(pixels, pixel_start, width, runs[MASK], numbers[MASK], values)
            used, used_numbers = runs, numbers
            if not fine:
                # missing pixels count as outside
                drop_missing(pixels, pixel_start, height, width, bits, clean)
                find_sets(clean, height, width, steps, padded, scratch, clean_runs, clean_numbers)
                used, used_numbers = clean_runs, clean_numbers
                count, fine = gather(pixels, pixel_start, width, used[MASK], used_numbers[MASK], values)
            if count == 0:
                view[:] = np.nan
            else:
                grey_levels(values, count, edges, levels, used[MASK], used_numbers[MASK], width, image)
                cooccurrence(image, width, steps, used, used_numbers, counts, each, view)
                gradient(
                    pixels,
                    pixel_start,
                    height,
                    width,
                    used[SURROUNDED],
                    used_numbers[SURROUNDED],
                    slopes,
                    view[4 * MEASURES :],
                )
            pixel_start += area


@compiled
def find_sets(
    bits: Bits, height: int, width: int, steps: IntArray, padded: Bits, scratch: Bits, runs: Runs, numbers: IntArray
) -> None:
    """List the runs of the mask, of the pixels with 8 neighbours, and of the pairs.

    Only two directions of a diagonal differ: 225° and 315° give the same symmetric counts as 45° and 135°. The sets of
    pairs stand in the order of the distances, for each the direction down right, then down left.
    """
    numbers[MASK] = find_runs(bits, height, width, runs[MASK])
    numbers[SURROUNDED] = surrounded_runs(bits, height, width, padded, scratch, runs[SURROUNDED])
    for distance in range(2):
        step = steps[distance]
        for turn in range(2):
            right = step if turn == 0 else -step
            number = PAIRS + 2 * distance + turn
            numbers[number] = pair_runs(bits, height, width, step, right, padded, scratch, runs[number])


@compiled
def cooccurrence(
    image: Levels,
    width: int,
    steps: IntArray,
    runs: Runs,
    numbers: IntArray,
    counts: IntArray,
    each: FloatArray,
    view: FloatArray,
) -> None:
    """Mean and standard deviation of six measures over two directions, at two distances.

    `view` takes per measure: mean at both distances, deviation at both. Where there is no pair the correlation is 1 and
    all others 0, and where there is no variance the correlation is 1, as the published system has it.
    """
    for distance in range(2):
        for turn in range(2):
            number = PAIRS + 2 * distance + turn
            step = steps[distance] * width + (steps[distance] if turn == 0 else -steps[distance])
            pairs = count_pairs(image, width, step, runs[number], numbers[number], counts)
            properties(counts, pairs, each[turn])
            for measure in range(MEASURES):
                if np.isnan(each[turn, measure]):
                    each[turn, measure] = 1.0 if measure == 4 else 0.0
        for measure in range(MEASURES):
            view[4 * measure + distance] = 0.5 * (each[0, measure] + each[1, measure])
            view[4 * measure + 2 + distance] = 0.5 * abs(each[0, measure] - each[1, measure])


@compiled
def drop_missing(pixels: AnyArray, start: int, height: int, width: int, bits: Bits, clean: Bits) -> None:
    """Copy a mask without the pixels that are no numbers."""
    for row in range(height):
        for word in range(words_of(width)):
            clean[row, word] = bits[row, word]
        for column in range(width):
            if not abs(np.float64(pixels[start + row * width + column])) < LARGEST:
                clean[row, column // 64] &= ~(np.uint64(1) << np.uint64(column % 64))
