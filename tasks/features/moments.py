"""Moments of a region in whole numbers, so that what is zero is zero and rounding cannot turn an ellipse."""

from dataclasses import dataclass
from itertools import product
from math import atan2, comb, sqrt

import numpy as np
from skimage.measure import moments_hu, moments_normalized

from tasks.core.types import BoolArray, FloatArray

RawMoments = dict[tuple[int, int], int]
"""Sum of row^p·column^q by (p, q)."""

ORDER = 3
"""Highest power of the rows, and of the columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Moments of a set of pixels.

    Parameters
    ----------
    raw, central, normalized
        (4, 4) float64, element (p, q) with rows to the p and columns to the q; `normalized` is NaN for p + q < 2.
    hu
        (7,) float64.
    """

    raw: FloatArray
    central: FloatArray
    normalized: FloatArray
    hu: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Ellipse:
    """The ellipse with the second moments of a set of pixels.

    Parameters
    ----------
    tensor
        (2, 2) float64, inertia tensor per pixel.
    eigenvalues
        (2,) float64, the larger first.
    eccentricity
        0 for a circle to 1 for a line; NaN for a single pixel.
    orientation
        Angle from the row axis to the major axis, −π/2 to π/2; NaN where no axis is longer than the other.
    """

    tensor: FloatArray
    eigenvalues: FloatArray
    eccentricity: float
    orientation: float


def raw_moments(image: BoolArray) -> RawMoments:
    """Sum row^p·column^q over the pixels, p and q from 0 to 3, exactly.

    Parameters
    ----------
    image
        (H, W) bool, not empty, at most 70,000 columns (the sums of one row are taken in int64).
    """
    rows, columns = (np.arange(size, dtype=np.int64) for size in image.shape)
    found: RawMoments = {}
    for q in range(ORDER + 1):
        per_row = (image * columns**q).sum(axis=1)
        for p in range(ORDER + 1):
            found[p, q] = sum(int(factor) * int(value) for factor, value in zip(rows**p, per_row, strict=True))
    return found


def moments(raw: RawMoments) -> Moments:
    """Raw, central, normalized and Hu's moments of a set of pixels.

    With n pixels and R, C the sums of their rows and columns, the central moment (p, q) is
    Σᵢⱼ binom(p, i) binom(q, j) (−R)^(p−i) (−C)^(q−j) n^(i+j) m_ij / n^(p+q): a ratio of whole numbers.
    """
    central = np.zeros((ORDER + 1, ORDER + 1))
    area, row_sum, column_sum = raw[0, 0], raw[1, 0], raw[0, 1]
    for p, q in product(range(ORDER + 1), repeat=2):
        numerator = sum(
            comb(p, i) * comb(q, j) * (-row_sum) ** (p - i) * (-column_sum) ** (q - j) * area ** (i + j) * raw[i, j]
            for i, j in product(range(p + 1), range(q + 1))
        )
        central[p, q] = numerator / area ** (p + q)
    normalized = moments_normalized(central, order=ORDER)
    return Moments(
        raw=np.array([[float(raw[p, q]) for q in range(ORDER + 1)] for p in range(ORDER + 1)]),
        central=central,
        normalized=normalized,
        hu=moments_hu(normalized),
    )


def ellipse(raw: RawMoments) -> Ellipse:
    """Fit the ellipse of equal second moments.

    With n pixels and a = n μ₀₂, b = −n μ₁₁, c = n μ₂₀ in whole numbers, the eigenvalues of the tensor
    [[a, b], [b, c]]/n² are λ₁ = (a + c + √D)/2n² and λ₂ = (ac − b²)/λ₁n⁴ with D = (a − c)² + 4b²; the eccentricity is
    √(√D/λ₁n²), the orientation ½·atan2(−2b, c − a). None of these subtracts numbers that are nearly equal.
    """
    area = raw[0, 0]
    a = area * raw[0, 2] - raw[0, 1] ** 2
    b = raw[1, 0] * raw[0, 1] - area * raw[1, 1]
    c = area * raw[2, 0] - raw[1, 0] ** 2
    square = area**2
    discriminant = (a - c) ** 2 + 4 * b**2
    larger = (a + c + sqrt(discriminant)) / 2
    smaller = (a * c - b**2) / larger if larger else 0.0
    return Ellipse(
        tensor=np.array([[a / square, b / square], [b / square, c / square]]),
        eigenvalues=np.array([larger, smaller]) / square,
        eccentricity=sqrt(sqrt(discriminant) / larger) if larger else np.nan,
        orientation=atan2(-2 * b, c - a) / 2 if discriminant else np.nan,
    )
