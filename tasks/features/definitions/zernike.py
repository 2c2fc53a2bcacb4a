"""Zernike's polynomials up to degree 9, and the moments of shapes and intensities."""

from math import comb, factorial

import numpy as np

from tasks.core.types import FloatArray
from tasks.features.family import FeatureDef

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


def monomials() -> FloatArray:
    """Expand the polynomials in products of powers.

    Returns
    -------
    FloatArray
        (2, 30, 10, 10) float64: real and imaginary part of each polynomial, the factor of y^p x^q at [p, q].
    """
    factors = np.zeros((2, len(INDEXES), SIZE, SIZE))
    for index, (n, m) in enumerate(INDEXES):
        for power, factor in radial_coefficients(n, m).items():
            squares = (power - m) // 2
            for k in range(squares + 1):
                # (x² + y²)^squares, times (y + ix)^m
                for j in range(m + 1):
                    sign = (1, 1, -1, -1)[j % 4]
                    p, q = 2 * (squares - k) + m - j, 2 * k + j
                    factors[j % 2, index, p, q] += sign * factor * comb(squares, k) * comb(m, j)
    return factors


ZERNIKE = tuple(
    FeatureDef(
        stat=str(n),
        param=str(m),
        unit="1",
        definition=(
            f"Magnitude of the sum of Zernike's polynomial of degree {n} and order {m} over the pixels of the region, "
            "divided by the area of its smallest enclosing circle."
        ),
        reference="Boland, Markey & Murphy 1998; CellProfiler 4.2, MeasureObjectSizeShape",
        invariances=("translation", "rotation", "scale"),
    )
    for n, m in INDEXES
)

_REFERENCE = "CellProfiler 4.2, MeasureObjectIntensityDistribution, Zernikes"

RADIAL_ZERNIKE = (
    *(
        FeatureDef(
            stat="magnitude",
            param=f"{n}_{m}",
            unit="intensity",
            definition=(
                f"Magnitude of the mean of Zernike's polynomial of degree {n} and order {m} over the pixels of the "
                "region, weighted by intensity."
            ),
            reference=_REFERENCE,
            invariances=("translation", "quarter turn"),
        )
        for n, m in INDEXES
    ),
    *(
        FeatureDef(
            stat="phase",
            param=f"{n}_{m}",
            unit="rad",
            definition=(
                f"Angle atan2(real, imaginary) of the mean of Zernike's polynomial of degree {n} and order {m} over "
                "the pixels of the region, weighted by intensity."
            ),
            reference=_REFERENCE,
            invariances=("translation", "intensity scale"),
        )
        for n, m in INDEXES
    ),
)
