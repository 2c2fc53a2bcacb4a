"""Moments of a region in whole numbers, so that what is zero is zero and rounding cannot turn an ellipse."""

from dataclasses import dataclass
from itertools import product
from math import comb

import numpy as np
from skimage.measure import moments_hu, moments_normalized

from tasks.core.shape import RawMoments
from tasks.core.types import BoolArray, FloatArray

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


def raw_moments(image: BoolArray) -> RawMoments:
    """Sum row^p·column^q over the pixels, p and q from 0 to 3, exactly.

    Parameters
    ----------
    image
        (H, W) bool, not empty, at most 70,000 columns (the sums of one row are taken in int64).
    """
    rows, columns = (np.arange(size, dtype=np.int64) for size in image.shape)
    raw: RawMoments = {}
    for q in range(ORDER + 1):
        per_row = (image * columns**q).sum(axis=1)
        for p in range(ORDER + 1):
            raw[p, q] = sum(int(factor) * int(value) for factor, value in zip(rows**p, per_row, strict=True))
    return raw


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
