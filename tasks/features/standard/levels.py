"""What the families that look at grey levels share: the levels of a region, and how a family is described and run."""

from collections.abc import Callable, Sequence

import numpy as np

from tasks.core.columns import Column
from tasks.core.types import Batch, BoolArray, FloatArray, IntArray, Region
from tasks.features.cells import cells, usable
from tasks.features.cooccurrence import LEVELS
from tasks.features.family import NameColumns, RegionInfo, Term
from tasks.features.standard.texture import grey_levels

IBSI = "IBSI reference manual, arXiv:1612.07003"
GREY = ("translation", "quarter turn", "intensity shift", "intensity scale")
"""What leaves grey levels, and what is averaged over four directions or does not know of any, unchanged."""


def level_image(pixels: FloatArray, *, mask: BoolArray) -> IntArray:
    """Divide the range of the masked pixels into 16 equal grey levels.

    The fixed bin number of the IBSI: see `tasks.features.standard.texture.grey_levels`, whose levels begin with 0.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool, not empty.

    Returns
    -------
    IntArray
        (H, W) int64; 1 to 16 in the mask, 0 outside.
    """
    return np.where(mask, grey_levels(pixels, mask=mask) + 1, 0)


def describe(family: str, terms: Sequence[Term]) -> NameColumns:
    """Return the function that names the columns of a family which measures each channel by itself."""

    def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
        return tuple(
            term.column(family=family, region=region, channels=(channel,)) for channel in channels for term in terms
        )

    return columns


def measure_each(
    batch: Batch, region: Region, *, number: int, one: Callable[[FloatArray, BoolArray], FloatArray]
) -> FloatArray:
    """Measure every channel of every cell in plain code.

    Parameters
    ----------
    number
        K, how many values there are of a channel.
    one
        Measures pixels (H, W) float64 in a mask (H, W) bool that is not empty and holds numbers only; returns (K,).

    Returns
    -------
    FloatArray
        (N, K·C) float64; NaN where the mask is empty or holds a pixel that is no number.
    """
    found = np.full((len(batch), len(batch.channels), number), np.nan)
    for row, cell in enumerate(cells(batch, region)):
        for channel, pixels in enumerate(cell.pixels):
            mask = cell.masks[cell.plane(channel)]
            if mask.any() and usable(pixels[mask]).all():
                found[row, channel] = one(pixels, mask)
    return found.reshape(len(batch), -1) if len(batch) else np.empty((0, len(batch.channels) * number))


def measure_levels(batch: Batch, region: Region, *, number: int, one: Callable[[IntArray], FloatArray]) -> FloatArray:
    """Measure the level image of every channel of every cell in plain code: see `level_image` and `measure_each`."""
    return measure_each(batch, region, number=number, one=lambda pixels, mask: one(level_image(pixels, mask=mask)))


def mean_known(values: FloatArray) -> FloatArray:
    """Mean over the first axis, NaN left out; NaN where nothing is left.

    Examples
    --------
    >>> mean_known(np.array([[1.0, np.nan], [3.0, np.nan]])).tolist()
    [2.0, nan]
    """
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=0) / np.where(count > 0, count, 1), np.nan)


IN_LEVELS = f"in {LEVELS} grey levels between the smallest and the largest pixel of the region"
"""How definitions tell the discretisation."""
