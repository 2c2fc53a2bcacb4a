"""What the plain families of grey levels share: the levels of a region, and the mean over directions."""

from collections.abc import Callable, Sequence

import numpy as np

from tasks.core.types import BoolArray, FloatArray, IntArray
from tasks.features.cells import ChannelCell, valid_pixels
from tasks.features.definitions.levels import LEVELS
from tasks.features.family import FeatureDef, MeasureLevels
from tasks.features.plain.texture import grey_levels


def level_image(pixels: FloatArray, *, mask: BoolArray) -> IntArray:
    """Divide the range of the masked pixels into 16 equal grey levels.

    The fixed bin number of the IBSI: see `tasks.features.plain.texture.grey_levels`, whose levels begin with 0.

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


def measure_pixels(
    cell: ChannelCell, measure: Callable[[FloatArray, BoolArray], FloatArray], *, definitions: Sequence[FeatureDef]
) -> FloatArray:
    """Measure pixels (H, W) in a mask (H, W); (K,) float64, NaN where one is no number or none is inside."""
    if not cell.mask.any() or not valid_pixels(cell.pixels[cell.mask]).all():
        return np.full(len(definitions), np.nan)
    return measure(cell.pixels, cell.mask)


def measure_levels(cell: ChannelCell, measure: MeasureLevels, *, definitions: Sequence[FeatureDef]) -> FloatArray:
    """Measure the level image of a channel: see `level_image` and `measure_pixels`."""
    return measure_pixels(
        cell, lambda pixels, mask: measure(level_image(pixels, mask=mask), number=LEVELS), definitions=definitions
    )


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
