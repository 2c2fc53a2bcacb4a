"""Convex hull of a region, and its largest diameter, from the first and last pixel of each row.

Coordinates are doubled, so that the middles of pixels' edges are whole numbers and every decision is exact. Row r of a
region reaches from column left to column right; the middles of the edges of its two outermost pixels are the points
(2r, 2·left − 1), (2r ± 1, 2·left), (2r, 2·right + 1) and (2r ± 1, 2·right).
"""

import numpy as np

from tasks.core.kernels.bits import Runs
from tasks.core.kernels.compiled import ZERO, compiled, constant, inner
from tasks.core.types import BoolArray, IntArray

FAR = 1 << 40
"""Beyond any column."""
LEFT, RIGHT = constant(1), constant(-1)
"""The two sides of a hull; the right one is traced in the mirrored region."""


@inner
def row_ends(runs: Runs, first: int, stop: int, top: int, ends: IntArray) -> None:
    """Set first and last column of each row of some runs from row `top` on; of a row without any (`FAR`, −`FAR`).

    Parameters
    ----------
    ends
        (≥ rows, 2) int64, the result.
    """
    for row in range(runs[stop - 1, 0] + 1 - top):
        ends[row, 0], ends[row, 1] = FAR, -FAR
    for run in range(first, stop):
        row = runs[run, 0] - top
        ends[row, 0] = min(ends[row, 0], runs[run, 1])
        ends[row, 1] = max(ends[row, 1], runs[run, 2] - 1)


@inner
def side(ends: IntArray, rows: int, sign: int, chain: IntArray) -> int:
    """Trace the left or right side of the convex hull of the middles of the edges, from top to bottom.

    Parameters
    ----------
    ends
        (≥ rows, 2) int64, first and last column per row; the first and the last row are not empty.
    sign
        `LEFT` or `RIGHT`.
    chain
        (≥ 2·rows + 1, 2) int64, the result: doubled row and `sign` times the doubled column of the corners.

    Returns
    -------
    int
        Number of corners.
    """
    column = 0 if sign > 0 else 1
    count = ZERO
    for half in range(-1, 2 * rows):
        # between two rows the outer one counts
        here = FAR
        if half % 2 == 0:
            here = 2 * sign * ends[half // 2, column] - 1
        else:
            if half > 0:
                here = 2 * sign * ends[half // 2, column]
            if half < 2 * rows - 1:
                here = min(here, 2 * sign * ends[half // 2 + 1, column])
        if here >= FAR:
            continue
        while count > 1 and _turns_in(chain, count, half, here):
            count -= 1
        chain[count, 0], chain[count, 1] = half, here
        count += 1
    return count


@inner
def _turns_in(chain: IntArray, count: int, row: int, column: int) -> bool:
    """Whether the last corner lies on or inside the line from the one before it to a new point."""
    down, back = chain[count - 1, 0] - chain[count - 2, 0], chain[count - 1, 1] - chain[count - 2, 1]
    return bool(back * (row - chain[count - 2, 0]) >= (column - chain[count - 2, 1]) * down)


@inner
def fill_hull(chain: IntArray, count: int, sign: int, hull: IntArray) -> None:
    """Set the outermost column per row whose pixel's middle lies in the hull, or on its border.

    `hull` (≥ rows, 2) int64 takes the first columns of the left side, or the last ones of the right side.
    """
    column = 0 if sign > 0 else 1
    for corner in range(count - 1):
        top, bottom = chain[corner, 0], chain[corner + 1, 0]
        for half in range(top + top % 2, bottom + 1, 2):
            above = chain[corner, 1] * (bottom - top) + (chain[corner + 1, 1] - chain[corner, 1]) * (half - top)
            # rounded up, for the right side is mirrored
            hull[half // 2, column] = sign * -(-above // (2 * (bottom - top)))


@inner
def hull_measures(ends: IntArray, rows: int, left: IntArray, right: IntArray, hull: IntArray) -> tuple[int, float]:
    """Count the pixels of the convex hull, and find the largest distance of two points of its outline.

    The hull is that of scikit-image's ``convex_hull_image`` with ``offset_coordinates``; the outline is that of the
    hull's pixels at level 0.5, which passes through the middles of edges once more.

    Parameters
    ----------
    ends
        (≥ rows, 2) int64, from `row_ends`.
    left, right
        Scratch, (≥ 2·rows + 1, 2) int64.
    hull
        Scratch, (≥ rows, 2) int64.
    """
    lefts, rights = side(ends, rows, LEFT, left), side(ends, rows, RIGHT, right)
    fill_hull(left, lefts, LEFT, hull)
    fill_hull(right, rights, RIGHT, hull)
    area = 0
    for row in range(rows):
        if hull[row, 0] <= hull[row, 1]:
            area += hull[row, 1] - hull[row, 0] + 1
        else:
            # a thin bridge between parts may pass between the middles of pixels
            hull[row, 0], hull[row, 1] = FAR, -FAR
    lefts, rights = side(hull, rows, LEFT, left), side(hull, rows, RIGHT, right)
    return area, _diameter(left, lefts, right, rights)


@inner
def _diameter(left: IntArray, lefts: int, right: IntArray, rights: int) -> float:
    """Largest distance of a corner of the left side from one of the right side.

    No two corners are farther apart. Of two corners of the left side take the one that lies more to the right: the hull
    reaches still further to the right in its row, so that point is no nearer to the other corner, and neither is one of
    the two corners of the right side between which it lies.
    """
    farthest = np.int64(0)
    for corner in range(lefts):
        for opposite in range(rights):
            down, across = left[corner, 0] - right[opposite, 0], left[corner, 1] + right[opposite, 1]
            farthest = max(farthest, down * down + across * across)
    return float(np.sqrt(np.float64(farthest)) / 2.0)


@compiled
def hull_pixels(mask: BoolArray) -> int:
    """Count the pixels of the convex hull of a mask, of which the first and the last row are not empty."""
    height, width = mask.shape
    ends, hull = np.empty((height, 2), np.int64), np.empty((height, 2), np.int64)
    left, right = np.empty((2 * height + 1, 2), np.int64), np.empty((2 * height + 1, 2), np.int64)
    for row in range(height):
        ends[row, 0], ends[row, 1] = FAR, -FAR
        for column in range(width):
            if mask[row, column]:
                ends[row, 0], ends[row, 1] = min(ends[row, 0], column), column
    return hull_measures(ends, height, left, right, hull)[0]
