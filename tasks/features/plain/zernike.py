"""Zernike moments of a region's shape and intensities, on the smallest circle around it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.core.types import BoolArray, FloatArray
from tasks.features.cells import valid_pixels
from tasks.features.definitions.zernike import INDEXES, RADIAL_ZERNIKE, ROUNDING, ZERNIKE, radial_coefficients

Floats = npt.NDArray[np.floating[Any]]


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
    for i, first in enumerate(points):
        if _outside(circle, first):
            circle = (*first, 0.0)
            for j, second in enumerate(points[:i]):
                if _outside(circle, second):
                    circle = _on_two(first, second)
                    for third in points[:j]:
                        if _outside(circle, third):
                            circle = _on_three(first, second, third)
    return circle


_Point = tuple[float, float]
_Circle = tuple[float, float, float]


def _outside(circle: _Circle, point: _Point) -> bool:
    return float(np.hypot(point[0] - circle[0], point[1] - circle[1])) > circle[2] * (1 + 1e-12)


def _on_two(first: _Point, second: _Point) -> _Circle:
    return (
        (first[0] + second[0]) / 2,
        (first[1] + second[1]) / 2,
        float(np.hypot(first[0] - second[0], first[1] - second[1])) / 2,
    )


def _on_three(first: _Point, second: _Point, third: _Point) -> _Circle:
    """Circle through three points that do not lie on a line."""
    a, b = np.subtract(second, first), np.subtract(third, first)
    twice = 2 * (a[0] * b[1] - a[1] * b[0])
    down = (b[1] * (a @ a) - a[1] * (b @ b)) / twice
    across = (a[0] * (b @ b) - b[0] * (a @ a)) / twice
    return first[0] + float(down), first[1] + float(across), float(np.hypot(down, across))


def zernike(mask: BoolArray) -> FloatArray:
    """Measure the Zernike moments of a region up to degree 9.

    On the smallest circle around the middles of the pixels, of radius r, |Σ R_nm(ρ) e^(imθ)| / (π r²) over the pixels
    of the region. No factor (n + 1) is applied, as in CellProfiler.

    Parameters
    ----------
    mask
        (H, W) bool; components need not be connected.

    Returns
    -------
    FloatArray
        (30,) float64 in the order of `ZERNIKE`; all NaN for an empty mask and for a single pixel, whose circle is a
        point.
    """
    if mask.sum() < 2:
        return np.full(len(ZERNIKE), np.nan)
    row, column, radius = enclosing_circle(mask)
    rows, columns_ = np.nonzero(mask)
    sums = polynomials((columns_ - column) / radius, (rows - row) / radius).sum(axis=1)
    return np.asarray(np.abs(sums) / (np.pi * radius**2), dtype=np.float64)


def radial_zernike(pixels: FloatArray, *, mask: BoolArray) -> FloatArray:
    """Measure the Zernike moments of the intensities v in a region of n pixels up to degree 9.

    A = Σ v R_nm(ρ) e^(imθ) / n on the smallest circle around the middles of the pixels, where ρ e^(iθ) = y + ix with y
    downwards. The magnitude is |A|, the phase atan2(Re A, Im A), as in CellProfiler: the phase of (1, 1) is the angle
    from the column axis to the brighter side.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool; components need not be connected.

    Returns
    -------
    FloatArray
        (60,) float64 in the order of `RADIAL_ZERNIKE`: 30 magnitudes, 30 phases in rad. All NaN where the mask has less
        than two pixels or holds one that is no number. A phase is NaN where the magnitude is below 1e-9 of the mean
        magnitude of the pixels: the moment is zero but for rounding, and nothing has no angle.
    """
    if mask.sum() < 2 or not valid_pixels(pixels[mask]).all():
        return np.full(len(RADIAL_ZERNIKE), np.nan)
    row, column, radius = enclosing_circle(mask)
    rows, columns_ = np.nonzero(mask)
    values = polynomials((columns_ - column) / radius, (rows - row) / radius)
    moments = values @ pixels[mask] / len(rows)
    magnitude = np.abs(moments)
    phase = np.arctan2(moments.real, moments.imag)
    phase[magnitude <= ROUNDING * np.abs(pixels[mask]).mean()] = np.nan
    return np.concatenate([magnitude, phase])
