"""Shape over a block of cells: of a mask's components, averaged, or of the whole mask."""

import numpy as np

from tasks.core.kernels.bits import Runs, Stream, extent, find_runs, most_runs, read, words_of
from tasks.core.kernels.compiled import ZERO, compiled, inner
from tasks.core.kernels.components import bounds, group_runs, label_runs
from tasks.core.types import FloatArray, IntArray
from tasks.features.definitions.shape import LAYOUT, SIZE
from tasks.features.kernels.moments import ellipse, hu, normalize, shift, sum_powers
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

TERMS = len(LAYOUT)
ECCENTRICITY, ORIENTATION = LAYOUT.index(("eccentricity", "")), LAYOUT.index(("orientation", ""))
TENSOR = LAYOUT.index(("inertia_tensor", "0_0"))
RAW, CENTRAL = LAYOUT.index(("moments", "0_0")), LAYOUT.index(("moments_central", "0_0"))
NORMALIZED, HU = LAYOUT.index(("moments_normalized", "0_0")), LAYOUT.index(("moments_hu", "0"))
EIGHTH = np.pi / 4


@compiled
def measure_shape(
    masks: Stream,
    shapes: IntArray,
    n_masks: int,
    indices: IntArray,
    apart: bool,  # noqa: FBT001 - compiled functions take their arguments by position
    empty: FloatArray,
    out: FloatArray,
) -> None:
    """Measure each mask of each cell: its components each for itself, to take their mean, or all of its pixels.

    Parameters
    ----------
    masks
        Stream of bits, (P, Hᵢ, Wᵢ) per cell, P = `n_masks`.
    shapes
        (N, 2) int64.
    indices
        (K,) int64, which features of `LAYOUT` are wanted.
    apart
        Whether components are measured each for itself. One without a longer axis then counts as scikit-image has it:
        eccentricity 0 and turned by −π/4.
    empty
        (K,) float64, what stands for an empty mask.
    out
        (N, K·P) float64, the result.
    """
    tallest, widest = extent(shapes)
    most, terms = most_runs(tallest, widest), len(indices)
    bits = np.empty((tallest, words_of(widest)), np.uint64)
    runs, grouped = np.empty((most, 3), np.int64), np.empty((most, 3), np.int64)
    labels, starts = np.empty(most, np.int64), np.empty(most + 2, np.int64)
    scratch, measured = make_scratch(tallest, widest), np.empty(TERMS, np.float64)
    start = ZERO
    for cell in range(len(shapes)):
        height, width = shapes[cell, 0], shapes[cell, 1]
        for plane in range(n_masks):
            read(masks, start, height, width, bits)
            start += height * width
            number = find_runs(bits, height, width, runs)
            components = label_runs(runs, number, labels)
            pieces, regions = components if apart else min(components, 1), grouped if apart else runs
            if apart:
                group_runs(runs, number, labels, components, grouped, starts)
            else:
                starts[0], starts[1] = ZERO, number
            view = out[cell, plane * terms : (plane + 1) * terms]
            for term in range(terms):
                view[term] = 0.0 if pieces else empty[term]
            for piece in range(pieces):
                parts = 1 if apart else components
                describe(regions, starts[piece], starts[piece + 1], parts, scratch, measured)
                if apart and np.isnan(measured[ECCENTRICITY]):
                    measured[ECCENTRICITY] = 0.0
                if apart and np.isnan(measured[ORIENTATION]):
                    measured[ORIENTATION] = -EIGHTH
                for term in range(terms):
                    view[term] += measured[indices[term]] / pieces


@inner
def describe(runs: Runs, first: int, stop: int, components: int, scratch: Scratch, out: FloatArray) -> None:
    """Measure a region in the frame of its bounding box.

    Parameters
    ----------
    runs
        Those from `first` to `stop`, at least one, are the region.
    components
        How many 8-connected components it has.
    out
        (≥ 77,) float64, the result in the order of `LAYOUT`; NaN where a measure is not defined.
    """
    outline = np.empty(MEASURES, np.float64)
    measure_outline(runs, first, stop, components, scratch, outline)
    top, left, bottom, right = bounds(runs, first, stop)
    row, column = (top + bottom) // 2, (left + right) // 2
    sums, raw = np.empty((SIZE, SIZE), np.float64), np.empty((SIZE, SIZE), np.float64)
    central, normalized = np.empty((SIZE, SIZE), np.float64), np.empty((SIZE, SIZE), np.float64)
    sum_powers(runs, first, stop, row, column, sums)
    shift(sums, np.float64(row - top), np.float64(column - left), raw)
    shift(sums, -sums[1, 0] / sums[0, 0], -sums[0, 1] / sums[0, 0], central)
    normalize(central, normalized)
    a, b, c, larger, smaller, eccentricity, angle = ellipse(sums)
    length = outline[PERIMETER]
    out[0] = outline[AREA]
    out[1] = outline[AREA_CONVEX]
    out[2] = eccentricity
    out[3] = np.sqrt(4.0 * outline[AREA] / np.pi)
    out[4] = outline[EULER]
    out[5] = outline[FERET]
    out[6] = outline[AREA_FILLED]
    out[7] = 4.0 * np.sqrt(larger)
    out[8] = 4.0 * np.sqrt(smaller)
    out[9] = angle
    out[10] = length
    out[11] = outline[CROFTON]
    out[12] = outline[AREA] / outline[AREA_CONVEX]
    out[13] = outline[AREA] / outline[AREA_BBOX]
    out[14] = outline[AREA_BBOX]
    out[15] = 4.0 * np.pi * outline[AREA] / (length * length) if length > 0.0 else np.nan
    out[TENSOR], out[TENSOR + 1], out[TENSOR + 2], out[TENSOR + 3] = a, b, b, c
    out[TENSOR + 4], out[TENSOR + 5] = larger, smaller
    for p in range(SIZE):
        for q in range(SIZE):
            out[RAW + SIZE * p + q] = raw[p, q]
            out[CENTRAL + SIZE * p + q] = central[p, q]
            out[NORMALIZED + SIZE * p + q] = normalized[p, q]
    hu(normalized, out[HU:])
