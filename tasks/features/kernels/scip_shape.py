"""Shape of profile ``scip`` over a stack of cells: the mean over the components of each mask."""

import numpy as np

from tasks.core.types import FloatArray, IntArray
from tasks.features.kernels.bits import Runs, Stream, extent, find_runs, most_runs, read, words_of
from tasks.features.kernels.compiled import compiled
from tasks.features.kernels.components import bounds, group_runs, label_runs
from tasks.features.kernels.moments import SIZE, ellipse, hu, normalize, shift, sum_powers
from tasks.features.kernels.regions import (
    AREA,
    AREA_BBOX,
    AREA_CONVEX,
    AREA_FILLED,
    CROFTON,
    EULER,
    FERET,
    MEASURES,
    PERIMETER,
    Scratch,
    make_scratch,
    measure_outline,
)

TERMS = 59
ELEMENTS = SIZE * SIZE
SINGLE, TENSOR, EIGENVALUES = 0, 14, 18
RAW, CENTRAL, HU = 20, 20 + ELEMENTS, 20 + 2 * ELEMENTS
"""Where the groups of features begin."""
EIGHTH = np.pi / 4


@compiled
def measure_shape(masks: Stream, shapes: IntArray, planes: int, empty: FloatArray, found: FloatArray) -> None:
    """Measure the shape of each mask of each cell.

    Parameters
    ----------
    masks
        Stream of bits, (P, Hᵢ, Wᵢ) per cell, P = `planes`.
    shapes
        (N, 2) int64.
    empty
        (59,) float64, what stands for an empty mask.
    found
        (N, 59·P) float64, the result.
    """
    tallest, widest = extent(shapes)
    most = most_runs(tallest, widest)
    bits = np.empty((tallest, words_of(widest)), np.uint64)
    runs, grouped = np.empty((most, 3), np.int64), np.empty((most, 3), np.int64)
    labels, starts = np.empty(most, np.int64), np.empty(most + 2, np.int64)
    scratch, one = make_scratch(tallest, widest), np.empty(TERMS, np.float64)
    start = int(np.int64(0))
    for cell in range(len(shapes)):
        height, width = shapes[cell, 0], shapes[cell, 1]
        for plane in range(planes):
            read(masks, start, height, width, bits)
            start += height * width
            number = find_runs(bits, height, width, runs)
            view = found[cell, plane * TERMS : (plane + 1) * TERMS]
            components = label_runs(runs, number, labels)
            group_runs(runs, number, labels, components, grouped, starts)
            for term in range(TERMS):
                view[term] = 0.0 if components else empty[term]
            for component in range(components):
                measure_component(grouped, starts[component], starts[component + 1], scratch, one)
                for term in range(TERMS):
                    view[term] += one[term] / components


@compiled
def measure_component(runs: Runs, first: int, stop: int, scratch: Scratch, found: FloatArray) -> None:
    """Measure one component in the frame of its bounding box; `found` (59,) float64 takes the features in order."""
    outline = np.empty(MEASURES, np.float64)
    measure_outline(runs, first, stop, 1, scratch, outline)
    top, left, bottom, right = bounds(runs, first, stop)
    row, column = (top + bottom) // 2, (left + right) // 2
    sums, raw = np.empty((SIZE, SIZE), np.float64), np.empty((SIZE, SIZE), np.float64)
    central, normalized = np.empty((SIZE, SIZE), np.float64), np.empty((SIZE, SIZE), np.float64)
    sum_powers(runs, first, stop, row, column, sums)
    shift(sums, np.float64(row - top), np.float64(column - left), raw)
    shift(sums, -sums[1, 0] / sums[0, 0], -sums[0, 1] / sums[0, 0], central)
    normalize(central, normalized)
    a, b, c, larger, smaller, eccentricity, angle = ellipse(sums)
    found[0] = outline[AREA]
    found[1] = outline[AREA_CONVEX]
    found[2] = 0.0 if np.isnan(eccentricity) else eccentricity
    found[3] = np.sqrt(4.0 * outline[AREA] / np.pi)
    found[4] = outline[EULER]
    found[5] = outline[FERET]
    found[6] = outline[AREA_FILLED]
    found[7] = 4.0 * np.sqrt(larger)
    found[8] = 4.0 * np.sqrt(smaller)
    # scikit-image turns what has no longer axis by an eighth
    found[9] = -EIGHTH if np.isnan(angle) else angle
    found[10] = outline[PERIMETER]
    found[11] = outline[CROFTON]
    found[12] = outline[AREA] / outline[AREA_CONVEX]
    found[13] = outline[AREA] / outline[AREA_BBOX]
    found[TENSOR], found[TENSOR + 1], found[TENSOR + 2], found[TENSOR + 3] = a, b, b, c
    found[EIGENVALUES], found[EIGENVALUES + 1] = larger, smaller
    for p in range(SIZE):
        for q in range(SIZE):
            found[RAW + SIZE * p + q] = raw[p, q]
            found[CENTRAL + SIZE * p + q] = central[p, q]
    hu(normalized, found[HU:])
