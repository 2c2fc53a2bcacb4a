"""Intensity over a stack of cells."""

import numpy as np

from tasks.core.kernels.bits import Bits, Runs, Stream, extent, find_runs, most_runs, read, words_of
from tasks.core.kernels.compiled import compiled, reduction
from tasks.core.kernels.sorting import make_room, sort
from tasks.core.types import AnyArray, FloatArray, IntArray
from tasks.features.kernels.pixels import gather
from tasks.features.kernels.rims import erode, half_widths
from tasks.features.kernels.statistics import NUMBER, summarise
from tasks.features.rim import RADIUS
from tasks.features.statistics import STATISTICS

VIEWS = ("", "bgcorr_", "edge_", "bgcorr_edge_")
LAYOUT = (*(f"{view}{stat}" for view in VIEWS for stat in STATISTICS), "background", "mass_displacement")
"""What `measure_intensity` measures of a channel, in its order. A family chooses from it by place."""
BACKGROUND, DISPLACEMENT = LAYOUT.index("background"), LAYOUT.index("mass_displacement")


@compiled
def measure_intensity(
    pixels: AnyArray,
    masks: Stream,
    shapes: IntArray,
    planes: int,
    background: FloatArray,
    places: IntArray,
    silent: bool,  # noqa: FBT001 - compiled functions take their arguments by position
    found: FloatArray,
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
    places
        (K,) int64, which statistics of `LAYOUT` are wanted.
    silent
        Whether those of an empty mask or rim are 0; else they are NaN, and all of a channel are where its mask is empty
        or holds a pixel that is no number.
    found
        (N, K·C) float64, the result.
    """
    cells, channels = background.shape
    tallest, widest = extent(shapes)
    size, words, terms = tallest * widest, words_of(widest), len(places)
    widths = half_widths(RADIUS)
    bits, inner = np.empty((tallest, words), np.uint64), np.empty((tallest, words), np.uint64)
    padded = np.empty((tallest, words + 2), np.uint64)
    narrowed = np.empty(((RADIUS + 1) * tallest, words), np.uint64)
    runs, rim_runs = (
        np.empty((most_runs(tallest, widest), 3), np.int64),
        np.empty((most_runs(tallest, widest), 3), np.int64),
    )
    values, one = np.empty(size, pixels.dtype), np.empty(len(LAYOUT), np.float64)
    room, views = make_room(values), one[:BACKGROUND].reshape(len(VIEWS), NUMBER)
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
                rim = rim_runs_of(bits, height, width, widths, padded, narrowed, inner, rim_runs)
            one[:] = np.nan
            count, fine = gather(pixels, pixel_start, width, runs, whole, values)
            if silent or (fine and count > 0):
                one[BACKGROUND] = background[cell, channel]
                if not silent:
                    one[DISPLACEMENT] = displacement(values, runs, whole, count)
                for part in range(0, len(VIEWS), 2):
                    if part:
                        count, fine = gather(pixels, pixel_start, width, rim_runs, rim, values)
                    if fine and (silent or count > 0):
                        sort(values, count, room)
                        summarise(values, count, background[cell, channel], views[part], views[part + 1])
            for term in range(terms):
                found[cell, channel * terms + term] = one[places[term]]
            pixel_start += height * width


@compiled
def rim_runs_of(
    bits: Bits, height: int, width: int, widths: IntArray, padded: Bits, narrowed: Bits, inner: Bits, runs: Runs
) -> int:
    """List the runs of a mask's rim and return their number; the other parameters are those of `erode`."""
    erode(bits, height, width, widths, padded, narrowed, inner)
    for row in range(height):
        for word in range(words_of(width)):
            inner[row, word] ^= bits[row, word]
    return find_runs(inner, height, width, runs)


@compiled
def displacement(values: AnyArray, runs: Runs, number: int, count: int) -> float:
    """Distance from the centroid of some runs to their centroid weighted by the values; NaN where these sum to ≤ 0.

    Parameters
    ----------
    values
        (≥ count,) in the order of the runs.
    """
    rows = columns = 0.0
    for run in range(number):
        length = runs[run, 2] - runs[run, 1]
        rows += runs[run, 0] * length
        columns += 0.5 * length * (runs[run, 1] + runs[run, 2] - 1)
    rows, columns = rows / count, columns / count
    total = down = across = 0.0
    at = 0
    for run in range(number):
        length = runs[run, 2] - runs[run, 1]
        weight, moment = weigh(values[at : at + length])
        total += weight
        down += weight * (runs[run, 0] - rows)
        across += moment + weight * (runs[run, 1] - columns)
        at += length
    return float(np.hypot(down / total, across / total)) if total > 0.0 else np.nan


@reduction
def weigh(values: AnyArray) -> tuple[float, float]:
    """Sum of values, and of values times their places."""
    total = moment = 0.0
    for at in range(len(values)):
        total += values[at]
        moment += at * values[at]
    return total, moment


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
