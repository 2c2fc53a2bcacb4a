"""All measures of one region's outline, from its runs."""

from typing import NamedTuple

import numpy as np

from tasks.core.kernels.bits import Bits, Runs, find_runs, most_runs, words_of
from tasks.core.kernels.compiled import inner
from tasks.core.kernels.components import area_of, bounds, hole_area
from tasks.core.kernels.hull import hull_measures, row_ends
from tasks.core.types import FloatArray, IntArray
from tasks.features.kernels.outline import (
    PATTERNS,
    count_patterns,
    crofton,
    draw,
    euler,
    invert,
    perimeter,
)

AREA, AREA_BBOX, AREA_CONVEX, AREA_FILLED, EULER, FERET, PERIMETER, CROFTON = range(8)
"""Places of the measures in what `measure_outline` fills."""
MEASURES = 8


class Scratch(NamedTuple):
    """Scratch in which a region is measured, made once for a block of cells."""

    frame: Bits
    border: Bits
    outside: Bits
    runs: Runs
    labels: IntArray
    ends: IntArray
    left: IntArray
    right: IntArray
    hull: IntArray
    patterns: IntArray


@inner
def make_scratch(height: int, width: int) -> Scratch:
    """Allocate scratch for regions of up to this height and width."""
    words, runs = words_of(width + 2), most_runs(height + 2, width + 2)
    return Scratch(
        np.zeros((height + 2, words + 2), np.uint64),
        np.zeros((height + 2, words + 2), np.uint64),
        np.zeros((height + 2, words), np.uint64),
        np.empty((runs, 3), np.int64),
        np.empty(runs, np.int64),
        np.empty((height, 2), np.int64),
        np.empty((2 * height + 1, 2), np.int64),
        np.empty((2 * height + 1, 2), np.int64),
        np.empty((height, 2), np.int64),
        np.empty(PATTERNS, np.int64),
    )


@inner
def measure_outline(runs: Runs, first: int, stop: int, components: int, scratch: Scratch, out: FloatArray) -> None:
    """Measure the outline of the region that the runs from `first` to `stop` make up.

    Parameters
    ----------
    runs
        In the order of rows and columns; at least one.
    components
        Number of 8-connected components.
    out
        (8,) float64, the result: areas in pixels, of the region, its bounding box, its convex hull and with its holes
        filled; Euler number; largest Feret diameter; perimeter; perimeter by Crofton's formula.
    """
    top, left, bottom, right = bounds(runs, first, stop)
    height, width = bottom - top, right - left
    area = area_of(runs, first, stop)
    draw(runs, first, stop, top, left, height, width, scratch.frame)
    count_patterns(scratch.frame, height, width, scratch.patterns)
    number = euler(scratch.patterns)
    filled = area
    if number != components:
        # only what has holes pays for looking at them
        invert(scratch.frame, height, width, scratch.outside)
        count = find_runs(scratch.outside, height + 2, width + 2, scratch.runs)
        filled += hole_area(scratch.runs, count, scratch.labels)
    row_ends(runs, first, stop, top, scratch.ends)
    convex, feret = hull_measures(scratch.ends, height, scratch.left, scratch.right, scratch.hull)
    out[AREA] = area
    out[AREA_BBOX] = height * width
    out[AREA_CONVEX] = convex
    out[AREA_FILLED] = filled
    out[EULER] = number
    out[FERET] = feret
    out[PERIMETER] = perimeter(scratch.frame, height, width, scratch.border)
    out[CROFTON] = crofton(scratch.patterns)
