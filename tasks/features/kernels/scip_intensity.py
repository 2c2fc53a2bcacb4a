"""Intensity of profile ``scip`` over a stack of cells."""

import numpy as np

from tasks.core.types import AnyArray, FloatArray, IntArray
from tasks.features.kernels.bits import Bytes, extent, find_runs, most_runs, pack, words_of
from tasks.features.kernels.compiled import compiled
from tasks.features.kernels.pixels import gather
from tasks.features.kernels.rims import erode, half_widths
from tasks.features.kernels.sorting import merge, sort
from tasks.features.kernels.statistics import NUMBER, summarise
from tasks.features.rim import RADIUS


@compiled
def measure_intensity(
    pixels: AnyArray, masks: Bytes, shapes: IntArray, planes: int, background: FloatArray, found: FloatArray
) -> None:
    """Summarise mask and rim of each channel of each cell, as they are and less the background.

    Parameters
    ----------
    pixels
        Flat uint16 or float64, (C, Hᵢ, Wᵢ) per cell.
    masks
        Flat, (P, Hᵢ, Wᵢ) per cell, P = `planes`, 1 or C.
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
    rim_runs = np.empty((most_runs(tallest, widest), 3), np.int64)
    inner_runs = np.empty((most_runs(tallest, widest), 3), np.int64)
    rim_values, inner_values = np.empty(size + 1, pixels.dtype), np.empty(size + 1, pixels.dtype)
    spare, table = np.empty(size + 1, pixels.dtype), np.empty(2048, np.int64)
    pixel_start, mask_start = 0, 0
    for cell in range(cells):
        height, width = shapes[cell, 0], shapes[cell, 1]
        area = height * width
        rims = inners = 0
        for channel in range(channels):
            if channel < planes:
                pack(masks, mask_start + channel * area, height, width, bits)
                erode(bits, height, width, widths, padded, narrowed, inner)
                for row in range(height):
                    for word in range(words_of(width)):
                        bits[row, word] ^= inner[row, word]
                rims = find_runs(bits, height, width, rim_runs)
                inners = find_runs(inner, height, width, inner_runs)
            start = pixel_start + channel * area
            # the mask is the rim and what lies inside it: each is sorted once, then they are merged
            in_rim, rim_fine = gather(pixels, start, width, rim_runs, rims, rim_values)
            inside, inner_fine = gather(pixels, start, width, inner_runs, inners, inner_values)
            views = found[cell, channel * 4 * NUMBER : (channel + 1) * 4 * NUMBER].reshape(4, NUMBER)
            if rim_fine:
                sort(rim_values, in_rim, spare, table)
                summarise(rim_values, in_rim, background[cell, channel], views[2], views[3])
            else:
                views[2:] = np.nan
            if rim_fine and inner_fine:
                sort(inner_values, inside, spare, table)
                merge(rim_values, in_rim, inner_values, inside, spare)
                summarise(spare, in_rim + inside, background[cell, channel], views[0], views[1])
            else:
                views[:2] = np.nan
        pixel_start += channels * area
        mask_start += planes * area


@compiled
def measure_raw(
    pixels: AnyArray, masks: Bytes, shapes: IntArray, planes: int, channels: int, found: FloatArray
) -> None:
    """Summarise each channel inside its mask; `found` (N, 11·C) float64 is the result.

    Pixels, masks and shapes are those of `measure_intensity`; NaN stands for a mask without pixels.
    """
    cells = len(shapes)
    tallest, widest = extent(shapes)
    size = tallest * widest
    bits, runs = np.empty((tallest, words_of(widest)), np.uint64), np.empty((most_runs(tallest, widest), 3), np.int64)
    values, spare, table = np.empty(size, pixels.dtype), np.empty(size, pixels.dtype), np.empty(2048, np.int64)
    unused = np.empty(NUMBER, np.float64)
    pixel_start, mask_start = 0, 0
    for cell in range(cells):
        height, width = shapes[cell, 0], shapes[cell, 1]
        number = 0
        for channel in range(channels):
            if channel < planes:
                pack(masks, mask_start, height, width, bits)
                number = find_runs(bits, height, width, runs)
                mask_start += height * width
            count, fine = gather(pixels, pixel_start, width, runs, number, values)
            view = found[cell, channel * NUMBER : (channel + 1) * NUMBER]
            if fine and count > 0:
                sort(values, count, spare, table)
                summarise(values, count, 0.0, view, unused)
            else:
                view[:] = np.nan
            pixel_start += height * width
