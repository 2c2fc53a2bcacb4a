"""Intensity over a block of cells."""

import numpy as np

from tasks.core.kernels.bits import Bits, Runs, Stream, extent, find_runs, most_runs, read, words_of
from tasks.core.kernels.compiled import ZERO, compiled, constant, inner, reduction
from tasks.core.kernels.sorting import allocate_scratch, order
from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import Counts
from tasks.features.definitions.intensity import LAYOUT, RADIUS, VIEWS
from tasks.features.kernels.pixels import gather
from tasks.features.kernels.rims import erode, half_widths
from tasks.features.kernels.statistics import NUMBER, summarise

EDGE = constant(2 * NUMBER)
"""Where the statistics of the rim begin."""
BACKGROUND, DISPLACEMENT = constant(LAYOUT.index("background")), constant(LAYOUT.index("mass_displacement"))
END = constant(len(LAYOUT))


@compiled
def measure_intensity(
    counts: Counts,
    reals: FloatArray,
    integral: bool,  # noqa: FBT001 - compiled functions take their arguments by position
    masks: Stream,
    shapes: IntArray,
    n_masks: int,
    background: FloatArray,
    indices: IntArray,
    zero_if_empty: bool,  # noqa: FBT001
    out: FloatArray,
) -> None:
    """Summarise mask and rim of each channel of each cell, as they are and less the background.

    Parameters
    ----------
    counts, …, background
        Those of `tasks.features.blocks.Block`.
    indices
        (K,) int64, which statistics of `LAYOUT` are wanted; the rim is looked at where one of it is.
    zero_if_empty
        Whether those of an empty mask or rim are 0; else they are NaN, and all of a channel are where its mask is empty
        or holds a pixel that is no number.
    out
        (N, K·C) float64, the result.
    """
    cells, channels = background.shape
    tallest, widest = extent(shapes)
    size, words, terms = tallest * widest, words_of(widest), len(indices)
    widths = half_widths(RADIUS)
    bits, left = np.empty((tallest, words), np.uint64), np.empty((tallest, words), np.uint64)
    padded = np.empty((tallest, words + 2), np.uint64)
    narrowed = np.empty(((RADIUS + 1) * tallest, words), np.uint64)
    runs, rim_runs = (
        np.empty((most_runs(tallest, widest), 3), np.int64),
        np.empty((most_runs(tallest, widest), 3), np.int64),
    )
    values, statistics = np.empty(size, np.float64), np.empty(len(LAYOUT), np.float64)
    scratch, views = allocate_scratch(values), statistics[:BACKGROUND].reshape(len(VIEWS), NUMBER)
    edge, moved = asked(indices, EDGE, BACKGROUND), asked(indices, DISPLACEMENT, END)
    pixel_start = mask_start = ZERO
    for cell in range(cells):
        height, width = shapes[cell, 0], shapes[cell, 1]
        number = rim = ZERO
        for channel in range(channels):
            if channel < n_masks:
                read(masks, mask_start, height, width, bits)
                mask_start += height * width
                number = find_runs(bits, height, width, runs)
                if edge:
                    rim = rim_runs_of(bits, height, width, widths, padded, narrowed, left, rim_runs)
            statistics[:] = np.nan
            count, fine = gather(counts, reals, pixel_start, width, runs, number, values)
            if zero_if_empty or (fine and count > 0):
                statistics[BACKGROUND] = background[cell, channel]
                if moved:
                    statistics[DISPLACEMENT] = displacement(values, runs, number, count)
                for part in range(0, len(VIEWS) if edge else 2, 2):
                    if part:
                        count, fine = gather(counts, reals, pixel_start, width, rim_runs, rim, values)
                    if fine and (zero_if_empty or count > 0):
                        order(values, count, integral, scratch)
                        summarise(values, count, background[cell, channel], views[part], views[part + 1])
            pick(statistics, indices, out[cell, channel * terms : (channel + 1) * terms])
            pixel_start += height * width


@inner
def pick(values: FloatArray, indices: IntArray, out: FloatArray) -> None:
    """Copy the values at some indices."""
    for term in range(len(indices)):
        out[term] = values[indices[term]]


@inner
def asked(indices: IntArray, first: int, stop: int) -> bool:
    """Whether one of some indices lies from `first` to `stop`."""
    present = False
    for place in indices:
        present = present or first <= place < stop
    return present


@inner
def rim_runs_of(
    bits: Bits, height: int, width: int, widths: IntArray, padded: Bits, narrowed: Bits, left: Bits, runs: Runs
) -> int:
    """List the runs of a mask's rim and return their number; the other parameters are those of `erode`."""
    erode(bits, height, width, widths, padded, narrowed, left)
    for row in range(height):
        for word in range(words_of(width)):
            left[row, word] ^= bits[row, word]
    return find_runs(left, height, width, runs)


@inner
def displacement(values: FloatArray, runs: Runs, number: int, count: int) -> float:
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
def weigh(values: FloatArray) -> tuple[float, float]:
    """Sum of values, and of values times their places."""
    total = moment = 0.0
    for at in range(len(values)):
        total += values[at]
        moment += at * values[at]
    return total, moment
