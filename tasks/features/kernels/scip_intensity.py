"""Intensity of profile ``scip`` over a stack of cells."""

import numpy as np

from tasks.core.types import AnyArray, FloatArray, IntArray
from tasks.features.kernels.bits import Stream, extent, find_runs, most_runs, read, words_of
from tasks.features.kernels.compiled import compiled
from tasks.features.kernels.pixels import gather
from tasks.features.kernels.rims import erode, half_widths
from tasks.features.kernels.sorting import make_room, sort
from tasks.features.kernels.statistics import NUMBER, summarise
from tasks.features.rim import RADIUS


@compiled
def measure_intensity(
    pixels: AnyArray, masks: Stream, shapes: IntArray, planes: int, background: FloatArray, found: FloatArray
) -> None:
    """Summarise mask and rim of each channel of each cell, as they are and less the background.

    Parameters
    ----------
    pixels
        Flat uint16 or float64, (C, Hᵢ, Wᵢ) per cell.
    masks
        Stream of bits, (P, Hᵢ, Wᵢ) per cell, P = `planes`, 1 or C.
    shapes
        (N, 2) int64.
    background
        (N, C) float64.
    found
        (N, 44·C) float64, the result.
    """
    cells, channels = background.shape
    tallest, widest = extent(shapes)
    size, words = tallest * widest, words_of(widest)
    widths = half_widths(RADIUS)
    bits, inner = np.empty((tallest, words), np.uint64), np.empty((tallest, words), np.uint64)
    padded = np.empty((tallest, words + 2), np.uint64)
    narrowed = np.empty(((RADIUS + 1) * tallest, words), np.uint64)
    runs, rim_runs = (
        np.empty((most_runs(tallest, widest), 3), np.int64),
        np.empty((most_runs(tallest, widest), 3), np.int64),
    )
    values = np.empty(size, pixels.dtype)
    room = make_room(values)
    # as a variable: numba would compile what is called once more for the constant
    pixel_start = mask_start = int(np.int64(0))
    for cell in range(cells):
        height, width = shapes[cell, 0], shapes[cell, 1]
        whole = rim = 0
        for channel in range(channels):
            if channel < planes:
                read(masks, mask_start, height, width, bits)
                mask_start += height * width
                whole = find_runs(bits, height, width, runs)
                erode(bits, height, width, widths, padded, narrowed, inner)
                for row in range(height):
                    for word in range(words_of(width)):
                        bits[row, word] ^= inner[row, word]
                rim = find_runs(bits, height, width, rim_runs)
            views = found[cell, channel * 4 * NUMBER : (channel + 1) * 4 * NUMBER].reshape(4, NUMBER)
            for part in range(2):
                used, number = (runs, whole) if part == 0 else (rim_runs, rim)
                count, fine = gather(pixels, pixel_start, width, used, number, values)
                if fine:
                    sort(values, count, room)
                    summarise(values, count, background[cell, channel], views[2 * part], views[2 * part + 1])
                else:
                    views[2 * part : 2 * part + 2] = np.nan
            pixel_start += height * width


@compiled
def measure_raw(
    pixels: AnyArray, masks: Stream, shapes: IntArray, planes: int, channels: int, found: FloatArray
) -> None:
    """Summarise each channel inside its mask; `found` (N, 11·C) float64 is the result.

    Pixels, masks and shapes are those of `measure_intensity`; NaN stands for a mask without pixels.
    """
    cells = len(shapes)
    tallest, widest = extent(shapes)
    size = tallest * widest
    bits, runs = np.empty((tallest, words_of(widest)), np.uint64), np.empty((most_runs(tallest, widest), 3), np.int64)
    values = np.empty(size, pixels.dtype)
    room = make_room(values)
    unused = np.empty(NUMBER, np.float64)
    # as a variable: numba would compile what is called once more for the constant
    pixel_start = mask_start = int(np.int64(0))
    for cell in range(cells):
        height, width = shapes[cell, 0], shapes[cell, 1]
        number = 0
        for channel in range(channels):
            if channel < planes:
                read(masks, mask_start, height, width, bits)
                number = find_runs(bits, height, width, runs)
                mask_start += height * width
            count, fine = gather(pixels, pixel_start, width, runs, number, values)
            view = found[cell, channel * NUMBER : (channel + 1) * NUMBER]
            if fine and count > 0:
                sort(values, count, room)
                summarise(values, count, 0.0, view, unused)
            else:
                view[:] = np.nan
            pixel_start += height * width
