"""Measures of shape that the quality filter and the features share: hull, ellipse, contact with the border."""

from dataclasses import dataclass
from math import atan2, sqrt

import numpy as np

from tasks.core.types import AnyArray, BoolArray, FloatArray

RawMoments = dict[tuple[int, int], int]
"""Sum of row^p·column^q by (p, q)."""


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


def ellipse(raw: RawMoments) -> Ellipse:
    """Fit the ellipse of equal second moments to the moments up to order 2 of some pixels, at least one.

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


def second_moments(mask: BoolArray) -> RawMoments:
    """Sum row^p·column^q over the pixels of a mask (H, W), p + q up to 2, exactly."""
    rows, columns = (np.arange(size, dtype=np.int64) for size in mask.shape)
    per_row, per_column = (np.add.reduce(mask, axis=axis, dtype=np.int64) for axis in (1, 0))
    # whole numbers, far below where float64 rounds
    weights = (mask.astype(np.float64) @ columns.astype(np.float64)).astype(np.int64)
    sums = {
        (0, 0): per_row.sum(),
        (1, 0): per_row @ rows,
        (2, 0): per_row @ rows**2,
        (0, 1): per_column @ columns,
        (0, 2): per_column @ columns**2,
        (1, 1): weights @ rows,
    }
    return {powers: int(total) for powers, total in sums.items()}


def hull_area(mask: BoolArray) -> int:
    """Count the pixels whose middles lie in the convex hull of the middles of the pixels' edges, or on it.

    It is the number of pixels of scikit-image's ``convex_hull_image``.

    Parameters
    ----------
    mask
        (H, W) bool; its first and last row are not empty.

    Examples
    --------
    >>> hull_area(np.array([[1, 0, 0], [1, 0, 0], [1, 1, 1]], dtype=bool))
    6
    """
    from tasks.core.kernels.hull import hull_pixels

    return int(hull_pixels(np.ascontiguousarray(mask)))


def border_contact(labels: AnyArray) -> dict[int, float]:
    """Share of the frame's border pixels that each label has; labels that touch it nowhere are left out.

    Parameters
    ----------
    labels
        (H, W), not empty, labels or a mask.

    Examples
    --------
    >>> border_contact(np.array([[1, 1, 0], [0, 2, 0], [0, 0, 0]]))
    {0: 0.75, 1: 0.25}
    """
    sides = labels[0], labels[1:][-1:].ravel(), labels[1:-1, 0], labels[1:-1, 1:][:, -1:].ravel()
    border = np.concatenate(sides)
    numbers, counts = np.unique(border, return_counts=True)
    return dict(zip(numbers.tolist(), (counts / border.size).tolist(), strict=True))
