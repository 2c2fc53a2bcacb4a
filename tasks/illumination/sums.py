"""Sums of many fields, pixel by pixel, which do not depend on the order of adding.

Whole numbers are added as such. Other numbers are taken apart into three whole ones that count 1, 2⁻³⁶ and 2⁻⁷² (what
is beyond is rounded: an error of at most 2⁻⁷³ ≈ 1e-22 per pixel), and these are added.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.core.errors import PixelError
from tasks.core.types import AnyArray, FloatArray, IntArray

DIGITS = 36
LARGEST = 2.0**35
"""Sums of 2²⁸ pixels below this fit 64 bits: a million fields, scaled down 16 times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSum:
    """The sum of fields of one size.

    Parameters
    ----------
    totals
        (parts, C, h, w) int64, summed over fields and over the blocks of pixels that scaling down joins; one part of
        whole numbers, else three, each counting 2⁻³⁶ of the one before.
    images
        How many fields.
    shape
        Height and width of a field.
    downscale
        Side of a block; those at the lower and right rim may be smaller.
    least
        Smallest number of the pixels' type where that is one of signed integers, else 0; of several types the largest.
    """

    totals: IntArray
    images: int
    shape: tuple[int, int]
    downscale: int
    least: int = 0

    @classmethod
    def of(cls, image: AnyArray, *, downscale: int) -> "FieldSum":
        """Sum up one field, (C, H, W).

        Raises
        ------
        PixelError
            Its pixels are too large to be added up exactly.
        """
        check_size(image)
        parts = [image] if image.dtype.kind in "iu" else _taken_apart(image.astype(np.float64))
        totals = np.stack([_blocks(part, side=downscale) for part in parts])
        least = int(np.iinfo(image.dtype).min) if image.dtype.kind == "i" else 0
        shape = (image.shape[1], image.shape[2])
        return cls(totals=totals, images=1, shape=shape, downscale=downscale, least=least)

    def mean(self, *, offset: float = 0.0) -> FloatArray:
        """(C, h, w) mean over fields, and over the pixels of each block, of what is above an offset.

        The whole part of the offset is subtracted from the sums, so that signed counts have the very mean of unsigned.
        """
        ones = np.ones((1, *self.shape), dtype=np.int64)
        counts = self.images * _blocks(ones, side=self.downscale)
        first, *rest = self.totals
        below: FloatArray = np.zeros(())
        for part in reversed(rest):
            below = (part / counts + below) / 2.0**DIGITS
        mean: FloatArray = (first - round(offset) * counts) / counts + below - (offset - round(offset))
        return mean


def check_size(image: AnyArray) -> None:
    """Refuse pixels that are too large to be added up exactly.

    Raises
    ------
    PixelError
        Telling the largest.
    """
    if image.dtype.itemsize < 8 and image.dtype.kind in "iu":
        return
    largest = max(-float(image.min()), float(image.max()))
    if largest >= LARGEST:
        raise PixelError(
            f"has pixels of {largest:g}; the illumination correction adds up pixels of less than {LARGEST:g}"
        )


def added(sums: Sequence[FieldSum]) -> FieldSum:
    """Add up sums of fields of one size, at least one."""
    parts = max(len(part.totals) for part in sums)
    totals = np.zeros((parts, *sums[0].totals.shape[1:]), dtype=np.int64)
    for part in sums:
        totals[: len(part.totals)] += part.totals
    images = sum(part.images for part in sums)
    least = max(part.least for part in sums)
    return FieldSum(totals=totals, images=images, shape=sums[0].shape, downscale=sums[0].downscale, least=least)


def _taken_apart(image: FloatArray) -> list[AnyArray]:
    parts = []
    left = image
    for _ in range(3):
        integral = np.rint(left)
        parts.append(integral.astype(np.int64))
        left = (left - integral) * 2.0**DIGITS
    return parts


def _blocks(image: AnyArray, *, side: int) -> IntArray:
    """Sum over square blocks, (C, ⌈H/side⌉, ⌈W/side⌉)."""
    _, height, width = image.shape
    rows = np.add.reduceat(image, np.arange(0, height, side), axis=1, dtype=np.int64)
    return np.add.reduceat(rows, np.arange(0, width, side), axis=2, dtype=np.int64)
