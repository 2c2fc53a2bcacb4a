"""Zernike moments over a block of cells, from sums of y^p x^q up to degree 9.

Row by row the sums over x are found first, of which each is multiplied by ten powers of y at most; the 30 polynomials
are combinations of the 55 sums.
"""

from typing import NamedTuple

import numpy as np

from tasks.core.kernels.bits import Runs, Stream, extent, find_runs, most_runs, read, words_of
from tasks.core.kernels.compiled import compiled, reduction
from tasks.core.kernels.components import area_of
from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import Counts
from tasks.features.definitions.zernike import INDEXES, ROUNDING, SIZE, monomials
from tasks.features.kernels.circle import enclosing_circle
from tasks.features.kernels.pixels import gather

NUMBER = len(INDEXES)
FACTORS = monomials().reshape(2 * NUMBER, SIZE * SIZE)
"""(60, 100): real parts, then imaginary ones, of the polynomials as combinations of y^p x^q."""


class Scratch(NamedTuple):
    """Scratch of one region: powers of x per column, the sums of a run and of the region, and ends of rows."""

    powers: FloatArray
    line: FloatArray
    sums: FloatArray
    points: FloatArray


@compiled
def make_scratch(height: int, width: int) -> Scratch:
    """Allocate scratch for regions of up to this height and width."""
    return Scratch(
        np.empty((SIZE, width), np.float64),
        np.empty(SIZE, np.float64),
        np.empty((SIZE, SIZE), np.float64),
        np.empty((2 * height, 2), np.float64),
    )


def measure_zernike(masks: Stream, shapes: IntArray, n_masks: int, out: FloatArray) -> None:
    """Measure each mask of each cell; `out` (N, 30·n_masks) float64 is the result."""
    _measure_zernike(masks, shapes, n_masks, FACTORS, out)


def measure_radial_zernike(
    counts: Counts, reals: FloatArray, masks: Stream, shapes: IntArray, n_masks: int, channels: int, out: FloatArray
) -> None:
    """Measure each channel of each cell.

    Parameters
    ----------
    counts, …, channels
        Those of `tasks.features.blocks.Block`.
    out
        (N, 60·C) float64, the result.
    """
    _measure_radial_zernike(counts, reals, masks, shapes, n_masks, channels, FACTORS, out)


@compiled
def _measure_zernike(masks: Stream, shapes: IntArray, n_masks: int, factors: FloatArray, out: FloatArray) -> None:
    tallest, widest = extent(shapes)
    bits, runs = np.empty((tallest, words_of(widest)), np.uint64), np.empty((most_runs(tallest, widest), 3), np.int64)
    scratch = make_scratch(tallest, widest)
    # as a variable: numba would compile what is called once more for the constant
    start = int(np.int64(0))
    for cell in range(len(shapes)):
        height, width = shapes[cell, 0], shapes[cell, 1]
        for plane in range(n_masks):
            read(masks, start, height, width, bits)
            number = find_runs(bits, height, width, runs)
            start += height * width
            view = out[cell, plane * NUMBER : (plane + 1) * NUMBER]
            view[:] = np.nan
            if area_of(runs, 0, number) < 2:
                continue
            row, column, radius = enclosing_circle(runs, number, scratch.points)
            set_powers(column, radius, width, scratch)
            scratch.sums[:] = 0.0
            for run in range(number):
                for q in range(SIZE):
                    scratch.line[q] = total_of(scratch.powers[q, runs[run, 1] : runs[run, 2]])
                add_line((runs[run, 0] - row) / radius, scratch)
            area = np.pi * radius * radius
            for index in range(NUMBER):
                real, imaginary = combine(factors, index, scratch.sums)
                view[index] = np.hypot(real, imaginary) / area


@compiled
def _measure_radial_zernike(
    counts: Counts,
    reals: FloatArray,
    masks: Stream,
    shapes: IntArray,
    n_masks: int,
    channels: int,
    factors: FloatArray,
    out: FloatArray,
) -> None:
    tallest, widest = extent(shapes)
    bits, runs = np.empty((tallest, words_of(widest)), np.uint64), np.empty((most_runs(tallest, widest), 3), np.int64)
    values, scratch = np.empty(tallest * widest, np.float64), make_scratch(tallest, widest)
    # as a variable: numba would compile what is called once more for the constant
    pixel_start = mask_start = int(np.int64(0))
    for cell in range(len(shapes)):
        height, width = shapes[cell, 0], shapes[cell, 1]
        number, row, radius = 0, 0.0, 0.0
        for channel in range(channels):
            if channel < n_masks:
                read(masks, mask_start, height, width, bits)
                number = find_runs(bits, height, width, runs)
                mask_start += height * width
                if area_of(runs, 0, number) > 1:
                    row, column, radius = enclosing_circle(runs, number, scratch.points)
                    set_powers(column, radius, width, scratch)
            view = out[cell, 2 * channel * NUMBER : 2 * (channel + 1) * NUMBER]
            view[:] = np.nan
            count, fine = gather(counts, reals, pixel_start, width, runs, number, values)
            if fine and count > 1:
                weigh(values, runs, number, row, radius, scratch)
                light = magnitude_of(values[:count])
                for index in range(NUMBER):
                    real, imaginary = combine(factors, index, scratch.sums)
                    view[index] = np.hypot(real, imaginary) / count
                    if view[index] > ROUNDING * light:
                        view[NUMBER + index] = np.arctan2(real, imaginary)
            pixel_start += height * width


@compiled
def set_powers(column: float, radius: float, width: int, scratch: Scratch) -> None:
    """Set the powers of x per column from 0 to 9."""
    powers = scratch.powers
    for at in range(width):
        powers[0, at] = 1.0
    for q in range(1, SIZE):
        for at in range(width):
            powers[q, at] = powers[q - 1, at] * ((at - column) / radius)


@compiled
def weigh(values: FloatArray, runs: Runs, number: int, row: float, radius: float, scratch: Scratch) -> None:
    """Sum v y^p x^q over the pixels of a region, whose values stand in the order of the runs."""
    scratch.sums[:] = 0.0
    at = 0
    for run in range(number):
        length = runs[run, 2] - runs[run, 1]
        for q in range(SIZE):
            scratch.line[q] = dot(values[at : at + length], scratch.powers[q, runs[run, 1] : runs[run, 2]])
        add_line((runs[run, 0] - row) / radius, scratch)
        at += length


@compiled
def add_line(y: float, scratch: Scratch) -> None:
    """Add the sums of a run, times the powers of y."""
    power = 1.0
    for p in range(SIZE):
        for q in range(SIZE - p):
            scratch.sums[p, q] += power * scratch.line[q]
        power *= y


@compiled
def combine(factors: FloatArray, index: int, sums: FloatArray) -> tuple[float, float]:
    """Real and imaginary part of a polynomial's sum."""
    flat = sums.reshape(SIZE * SIZE)
    return dot(factors[index], flat), dot(factors[NUMBER + index], flat)


@reduction
def dot(a: FloatArray, b: FloatArray) -> float:
    """Sum of products."""
    total = 0.0
    for at in range(len(a)):
        total += a[at] * b[at]
    return total


@reduction
def total_of(values: FloatArray) -> float:
    """Sum of values."""
    total = 0.0
    for at in range(len(values)):
        total += values[at]
    return total


@reduction
def magnitude_of(values: FloatArray) -> float:
    """Mean magnitude of values, at least one."""
    total = 0.0
    for at in range(len(values)):
        total += abs(values[at])
    return total / len(values)
