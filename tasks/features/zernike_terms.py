"""Zernike's polynomials up to degree 9, and the smallest circle around a region, on which they are defined."""

from math import comb, factorial
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.core.types import BoolArray, FloatArray

Floats = npt.NDArray[np.floating[Any]]

DEGREE = 9
SIZE = DEGREE + 1

INDEXES = tuple((n, m) for n in range(SIZE) for m in range(n % 2, n + 1, 2))
"""Degree and order of the 30 polynomials."""

ROUNDING = 1e-9
"""Below this part of the sum of magnitudes a moment is nothing but rounding, and has no phase."""


def radial_coefficients(n: int, m: int) -> dict[int, int]:
    """Coefficients of R_nm by the power of ρ: (−1)^k (n−k)! / (k! ((n+m)/2−k)! ((n−m)/2−k)!) of ρ^(n−2k)."""
    return {
        n - 2 * k: (-1) ** k
        * factorial(n - k)
        // (factorial(k) * factorial((n + m) // 2 - k) * factorial((n - m) // 2 - k))
        for k in range((n - m) // 2 + 1)
    }


def polynomials(x: Floats, y: Floats) -> npt.NDArray[np.complex128]:
    """Evaluate R_nm(ρ)·e^(imθ) at points of the unit disk, where ρ e^(iθ) = y + ix.

    Parameters
    ----------
    x, y
        (P,) float64.

    Returns
    -------
    (30, P) complex128, in the order of `INDEXES`.
    """
    z = y + 1j * x
    square = x * x + y * y
    return np.array(
        [
            sum(factor * square ** ((power - m) // 2) for power, factor in radial_coefficients(n, m).items()) * z**m
            for n, m in INDEXES
        ]
    )


def monomials() -> FloatArray:
    """Expand the polynomials in products of powers.

    Returns
    -------
    FloatArray
        (2, 30, 10, 10) float64: real and imaginary part of each polynomial, the factor of y^p x^q at [p, q].
    """
    found = np.zeros((2, len(INDEXES), SIZE, SIZE))
    for index, (n, m) in enumerate(INDEXES):
        for power, factor in radial_coefficients(n, m).items():
            squares = (power - m) // 2
            for k in range(squares + 1):
                # (x² + y²)^squares, times (y + ix)^m
                for j in range(m + 1):
                    sign = (1, 1, -1, -1)[j % 4]
                    p, q = 2 * (squares - k) + m - j, 2 * k + j
                    found[j % 2, index, p, q] += sign * factor * comb(squares, k) * comb(m, j)
    return found


def enclosing_circle(mask: BoolArray) -> tuple[float, float, float]:
    """Find the smallest circle that holds the middles of all pixels of a region.

    Points are added one by one; one that lies outside lies on the new circle (Welzl 1991).

    Parameters
    ----------
    mask
        (H, W) bool, not empty.

    Returns
    -------
    tuple[float, float, float]
        Row and column of the middle, and the radius, 0 for a single pixel.

    Examples
    --------
    >>> enclosing_circle(np.ones((1, 5), dtype=bool))
    (0.0, 2.0, 2.0)
    """
    rows = np.flatnonzero(mask.any(axis=1))
    # only the first and the last pixel of a row can lie on the circle
    points = [(float(row), float(end)) for row in rows for end in np.flatnonzero(mask[row])[[0, -1]]]
    circle = (*points[0], 0.0)
    for i, one in enumerate(points):
        if _outside(circle, one):
            circle = (*one, 0.0)
            for j, two in enumerate(points[:i]):
                if _outside(circle, two):
                    circle = _on_two(one, two)
                    for three in points[:j]:
                        if _outside(circle, three):
                            circle = _on_three(one, two, three)
    return circle


_Point = tuple[float, float]
_Circle = tuple[float, float, float]


def _outside(circle: _Circle, point: _Point) -> bool:
    return float(np.hypot(point[0] - circle[0], point[1] - circle[1])) > circle[2] * (1 + 1e-12)


def _on_two(one: _Point, two: _Point) -> _Circle:
    return (one[0] + two[0]) / 2, (one[1] + two[1]) / 2, float(np.hypot(one[0] - two[0], one[1] - two[1])) / 2


def _on_three(one: _Point, two: _Point, three: _Point) -> _Circle:
    """Circle through three points that do not lie on a line."""
    a, b = np.subtract(two, one), np.subtract(three, one)
    twice = 2 * (a[0] * b[1] - a[1] * b[0])
    down = (b[1] * (a @ a) - a[1] * (b @ b)) / twice
    across = (a[0] * (b @ b) - b[0] * (a @ a)) / twice
    return one[0] + float(down), one[1] + float(across), float(np.hypot(down, across))
