"""Moments of a region from its runs, and the ellipse of equal second moments."""

import numpy as np

from tasks.core.kernels.bits import Runs
from tasks.core.kernels.compiled import inner
from tasks.core.types import FloatArray
from tasks.features.definitions.shape import SIZE

CHOOSE = np.array([[1.0, 0, 0, 0], [1, 1, 0, 0], [1, 2, 1, 0], [1, 3, 3, 1]])
"""Binomial coefficients."""


@inner
def sum_powers(runs: Runs, first: int, stop: int, row: int, column: int, sums: FloatArray) -> None:
    """Sum (r − row)^p·(c − column)^q over the pixels of some runs, a run at a time.

    Sums of powers of consecutive numbers have closed forms. About the middle of the region the sums are small: whole
    numbers that float64 holds exactly for regions of up to about 200 pixels across.

    Parameters
    ----------
    sums
        (4, 4) float64, the result, element (p, q).
    """
    sums[:] = 0.0
    for run in range(first, stop):
        start, end = runs[run, 1] - column, runs[run, 2] - column
        ones = np.float64(end - start)
        linear = np.float64((end * (end - 1) - start * (start - 1)) // 2)
        squares = np.float64((end * (end - 1) * (2 * end - 1) - start * (start - 1) * (2 * start - 1)) // 6)
        cubes = np.float64((end * (end - 1) // 2) ** 2 - (start * (start - 1) // 2) ** 2)
        power = 1.0
        for p in range(SIZE):
            sums[p, 0] += power * ones
            sums[p, 1] += power * linear
            sums[p, 2] += power * squares
            sums[p, 3] += power * cubes
            power *= runs[run, 0] - row


@inner
def shift(sums: FloatArray, rows: float, columns: float, shifted: FloatArray) -> None:
    """Moments of a region that is moved by rows and columns: (p, q) = Σ binom(p, i) binom(q, j) rows^(p−i) … m_ij."""
    half = np.empty((SIZE, SIZE), np.float64)
    for p in range(SIZE):
        for q in range(SIZE):
            total, power = 0.0, 1.0
            for j in range(q, -1, -1):
                total += CHOOSE[q, j] * power * sums[p, j]
                power *= columns
            half[p, q] = total
    for p in range(SIZE):
        for q in range(SIZE):
            total, power = 0.0, 1.0
            for i in range(p, -1, -1):
                total += CHOOSE[p, i] * power * half[i, q]
                power *= rows
            shifted[p, q] = total


@inner
def normalize(central: FloatArray, normalized: FloatArray) -> None:
    """Central moments divided by area^(1 + (p + q)/2); NaN for p + q < 2."""
    area = central[0, 0]
    for p in range(SIZE):
        for q in range(SIZE):
            known = p + q >= 2
            normalized[p, q] = central[p, q] / area ** (1.0 + (p + q) / 2.0) if known else np.nan


@inner
def hu(normalized: FloatArray, out: FloatArray) -> None:
    """Hu's seven invariants of normalized moments, as Hu (1962) gives them."""
    n = normalized
    spread, stretch, shear = n[2, 0] + n[0, 2], n[2, 0] - n[0, 2], n[1, 1]
    # sums and differences of the third moments
    e, f = n[3, 0] + n[1, 2], n[2, 1] + n[0, 3]
    g, h = n[3, 0] - 3.0 * n[1, 2], 3.0 * n[2, 1] - n[0, 3]
    along, across = e * (e * e - 3.0 * f * f), f * (3.0 * e * e - f * f)
    out[0] = spread
    out[1] = stretch * stretch + 4.0 * shear * shear
    out[2] = g * g + h * h
    out[3] = e * e + f * f
    out[4] = g * along + h * across
    out[5] = stretch * (e * e - f * f) + 4.0 * shear * e * f
    out[6] = h * along - g * across


@inner
def ellipse(sums: FloatArray) -> tuple[float, float, float, float, float, float, float]:
    """Fit the ellipse of equal second moments, without subtracting numbers that are nearly equal.

    With n pixels and a = n m₀₂ − m₀₁², b = m₁₀ m₀₁ − n m₁₁, c = n m₂₀ − m₁₀², the inertia tensor is
    [[a, b], [b, c]]/n²; see `tasks.core.shape.ellipse`.

    Parameters
    ----------
    sums
        (4, 4) float64, from `sum_powers`.

    Returns
    -------
    tuple
        a, b, c over n², the larger and the smaller eigenvalue, the eccentricity (NaN of a single pixel) and the angle
        from the row axis to the major axis (NaN where no axis is longer).
    """
    area = sums[0, 0]
    a = area * sums[0, 2] - sums[0, 1] * sums[0, 1]
    b = sums[1, 0] * sums[0, 1] - area * sums[1, 1]
    c = area * sums[2, 0] - sums[1, 0] * sums[1, 0]
    root = np.sqrt((a - c) * (a - c) + 4.0 * b * b)
    larger = (a + c + root) / 2.0
    smaller, eccentricity, angle = 0.0, np.nan, np.nan
    if larger > 0.0:
        smaller = max(0.0, (a * c - b * b) / larger)
        eccentricity = np.sqrt(root / larger)
    if root > 0.0:
        angle = 0.5 * np.arctan2(-2.0 * b + 0.0, c - a)
    square = area * area
    return a / square, b / square, c / square, larger / square, smaller / square, eccentricity, angle
