"""Radial distribution over a block of cells."""

from typing import NamedTuple

import numpy as np

from tasks.core.kernels.bits import Runs, Stream, extent, find_runs, most_runs, read, words_of
from tasks.core.kernels.compiled import compiled
from tasks.core.kernels.components import bounds
from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import Counts
from tasks.features.definitions.radial_distribution import OFFSET, RINGS, WEDGES
from tasks.features.kernels.boxes import fill_margin
from tasks.features.kernels.pixels import gather

FAR = 1 << 20
"""Beyond any distance in pixels."""
DIAGONAL = np.sqrt(2.0)


class Box(NamedTuple):
    """Scratch of one region: its box with a margin of one pixel."""

    upright: IntArray
    edge: FloatArray
    path: FloatArray


@compiled
def measure_radial(
    counts: Counts, reals: FloatArray, masks: Stream, shapes: IntArray, n_masks: int, channels: int, out: FloatArray
) -> None:
    """Measure the intensities in rings of each channel of each cell.

    Parameters
    ----------
    counts, …, channels
        Those of `tasks.features.blocks.Block`.
    out
        (N, 12·C) float64, the result.
    """
    tallest, widest = extent(shapes)
    bits, runs = np.empty((tallest, words_of(widest)), np.uint64), np.empty((most_runs(tallest, widest), 3), np.int64)
    size, framed = tallest * widest, (tallest + 2) * (widest + 2)
    values, sectors = np.empty(size, np.float64), np.empty(size, np.int64)
    box = Box(np.empty(framed, np.int64), np.empty(framed, np.float64), np.empty(framed, np.float64))
    sums, sizes = np.empty(RINGS * WEDGES, np.float64), np.empty(RINGS * WEDGES, np.int64)
    # as a variable: numba would compile what is called once more for the constant
    pixel_start = mask_start = int(np.int64(0))
    for cell in range(len(shapes)):
        height, width = shapes[cell, 0], shapes[cell, 1]
        number = 0
        edged = False
        for channel in range(channels):
            if channel < n_masks:
                read(masks, mask_start, height, width, bits)
                number = find_runs(bits, height, width, runs)
                mask_start += height * width
                sizes[:] = 0
                edged = number > 0 and divide(runs, number, height, width, box, sectors, sizes)
            view = out[cell, 3 * RINGS * channel : 3 * RINGS * (channel + 1)]
            view[:] = np.nan
            count, fine = gather(counts, reals, pixel_start, width, runs, number, values)
            if fine and edged:
                sums[:] = 0.0
                for at in range(count):
                    if sectors[at] >= 0:
                        sums[sectors[at]] += values[at]
                summarise_rings(sums, sizes, view)
            pixel_start += height * width


@compiled
def divide(runs: Runs, number: int, height: int, width: int, box: Box, sectors: IntArray, sizes: IntArray) -> bool:
    """Find the sector of each pixel, and count those of each.

    Parameters
    ----------
    height, width
        Of the frame, which is no edge.
    sectors
        (≥ pixels,) int64, the result in the order of the runs: 8·ring + wedge, −1 where no way leads.
    sizes
        (32,) int64, zeros, the result.

    Returns
    -------
    bool
        Whether the region has an edge.
    """
    top, left, bottom, right = bounds(runs, 0, number)
    stride, rows = right - left + 2, bottom - top + 2
    upright, edge, path = box.upright, box.edge, box.path
    _set_upright(runs, number, height, width, upright)
    path[: rows * stride] = np.inf
    farthest, center = 0, 0
    for run in range(number):
        row = (runs[run, 0] - top + 1) * stride
        for column in range(runs[run, 1] - left + 1, runs[run, 2] - left + 1):
            best = nearest(upright, row, column, stride)
            edge[row + column] = np.sqrt(np.float64(best))
            if best > farthest:
                farthest, center = best, row + column
    if farthest >= FAR:
        return False
    path[center] = 0.0
    while _sweep(runs, number, top, left, stride, path):
        pass
    at = 0
    for run in range(number):
        row = runs[run, 0] - top + 1
        for column in range(runs[run, 1] - left + 1, runs[run, 2] - left + 1):
            way = path[row * stride + column]
            sectors[at] = -1
            if way < np.inf:
                ring = int(RINGS * (way / (way + edge[row * stride + column] + OFFSET)))
                down, across = row - center // stride, column - center % stride
                wedge = int(down > 0) + 2 * int(across > 0) + 4 * int(abs(down) > abs(across))
                sectors[at] = WEDGES * ring + wedge
                sizes[sectors[at]] += 1
            at += 1
    return True


@compiled
def nearest(upright: IntArray, row: int, column: int, stride: int) -> int:
    """Square of a pixel's distance to the nearest pixel outside; at least `FAR` where there is none."""
    best = upright[row + column] ** 2
    step = 1
    while step * step < best and step < stride:
        if column >= step:
            best = min(best, step * step + upright[row + column - step] ** 2)
        if column + step < stride:
            best = min(best, step * step + upright[row + column + step] ** 2)
        step += 1
    return int(best)


@compiled
def _set_upright(runs: Runs, number: int, height: int, width: int, upright: IntArray) -> None:
    """Set how far each pixel of the box is from the nearest pixel outside in its column; `FAR` beyond the frame."""
    top, left, bottom, right = bounds(runs, 0, number)
    upright[: (right - left + 2) * (bottom - top + 2)] = 0
    rows, stride = fill_margin(upright, runs, number, height, width, FAR)
    for run in range(number):
        first = (runs[run, 0] - top + 1) * stride + 1 - left
        for column in range(runs[run, 1], runs[run, 2]):
            upright[first + column] = FAR
    for at in range(stride, (rows - 1) * stride):
        upright[at] = min(upright[at], upright[at - stride] + 1)
    for at in range((rows - 1) * stride - 1, stride - 1, -1):
        upright[at] = min(upright[at], upright[at + stride] + 1)


@compiled
def _sweep(runs: Runs, number: int, top: int, left: int, stride: int, path: FloatArray) -> bool:
    """Shorten the ways to each pixel by way of its eight neighbours, once forwards and once backwards.

    The result of repeated sweeps does not depend on their order: rounding keeps sums in order, and each way is the
    least of all sums.
    """
    changed = False
    for run in range(number):
        first = (runs[run, 0] - top + 1) * stride + 1 - left
        for at in range(first + runs[run, 1], first + runs[run, 2]):
            best = min(path[at - 1], path[at - stride]) + 1.0
            best = min(best, min(path[at - stride - 1], path[at - stride + 1]) + DIAGONAL)
            if best < path[at]:
                path[at] = best
                changed = True
    for run in range(number - 1, -1, -1):
        first = (runs[run, 0] - top + 1) * stride + 1 - left
        for at in range(first + runs[run, 2] - 1, first + runs[run, 1] - 1, -1):
            best = min(path[at + 1], path[at + stride]) + 1.0
            best = min(best, min(path[at + stride - 1], path[at + stride + 1]) + DIAGONAL)
            if best < path[at]:
                path[at] = best
                changed = True
    return changed


@compiled
def summarise_rings(sums: FloatArray, sizes: IntArray, out: FloatArray) -> None:
    """Summarise the sums and sizes of 32 sectors; `out` (12,) is the result, NaN where it is not defined."""
    total, number = 0.0, 0
    for sector in range(RINGS * WEDGES):
        total += sums[sector]
        number += sizes[sector]
    if not total > 0.0:
        return
    for ring in range(RINGS):
        light, held, mean, wedges = 0.0, 0, 0.0, 0
        for sector in range(ring * WEDGES, (ring + 1) * WEDGES):
            light += sums[sector]
            held += sizes[sector]
            if sizes[sector] > 0:
                mean += sums[sector] / sizes[sector]
                wedges += 1
        out[ring] = light / total
        if held > 0:
            out[RINGS + ring] = light / total * number / held
            mean /= wedges
            spread = 0.0
            for sector in range(ring * WEDGES, (ring + 1) * WEDGES):
                if sizes[sector] > 0:
                    spread += (sums[sector] / sizes[sector] - mean) ** 2
            if mean > 0.0:
                out[2 * RINGS + ring] = np.sqrt(spread / wedges) / mean
