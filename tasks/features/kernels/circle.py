"""The smallest circle around a region."""

import numpy as np

from tasks.core.kernels.bits import Runs
from tasks.core.kernels.compiled import compiled
from tasks.core.types import FloatArray

SLACK = 1 + 1e-12
"""A point counts as outside beyond this multiple of the radius."""


@compiled
def enclosing_circle(runs: Runs, number: int, points: FloatArray) -> tuple[float, float, float]:
    """Row and column of the middle, and the radius, of the smallest circle that holds the middles of all pixels.

    Points are added one by one; one that lies outside lies on the new circle. In an order that jumps about few do.

    Parameters
    ----------
    runs
        `number` runs in the order of rows and columns, at least one.
    points
        Scratch, (≥ 2·rows, 2) float64.
    """
    ends = _row_ends(runs, number, points)
    count = _spread(points, ends)
    row, column, radius = points[0, 0], points[0, 1], 0.0
    for i in range(1, count):
        if _outside(points, i, row, column, radius):
            row, column, radius = points[i, 0], points[i, 1], 0.0
            for j in range(i):
                if _outside(points, j, row, column, radius):
                    row, column = (points[i, 0] + points[j, 0]) / 2.0, (points[i, 1] + points[j, 1]) / 2.0
                    radius = np.hypot(points[i, 0] - points[j, 0], points[i, 1] - points[j, 1]) / 2.0
                    for k in range(j):
                        if _outside(points, k, row, column, radius):
                            row, column, radius = _on_three(points, i, j, k)
    return row, column, radius


@compiled
def _row_ends(runs: Runs, number: int, points: FloatArray) -> int:
    """List the first and the last pixel of each row; only they can lie on the circle."""
    count = 0
    for run in range(number):
        if run == 0 or runs[run, 0] != runs[run - 1, 0]:
            points[count, 0], points[count, 1] = runs[run, 0], runs[run, 1]
            count += 2
        points[count - 1, 0], points[count - 1, 1] = runs[run, 0], runs[run, 2] - 1
    return count


@compiled
def _spread(points: FloatArray, count: int) -> int:
    """Put points that are far from each other in front: each of the first half changes places with a later one."""
    for at in range(count // 2):
        other = (at * 7919 + count // 2) % count
        for part in range(2):
            points[at, part], points[other, part] = points[other, part], points[at, part]
    return count


@compiled
def _outside(points: FloatArray, at: int, row: float, column: float, radius: float) -> bool:
    down, across = points[at, 0] - row, points[at, 1] - column
    return bool(down * down + across * across > (radius * SLACK) ** 2)


@compiled
def _on_three(points: FloatArray, i: int, j: int, k: int) -> tuple[float, float, float]:
    """Circle through three points that do not lie on a line."""
    a, b = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1]
    c, d = points[k, 0] - points[i, 0], points[k, 1] - points[i, 1]
    twice, left, right = 2.0 * (a * d - b * c), a * a + b * b, c * c + d * d
    down, across = (d * left - b * right) / twice, (a * right - c * left) / twice
    return points[i, 0] + down, points[i, 1] + across, np.hypot(down, across)
