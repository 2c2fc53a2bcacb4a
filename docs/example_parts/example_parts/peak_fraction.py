"""Mask ``peak_fraction``: pixels above a fraction of the peak's height, such as its half maximum."""

from typing import Literal

import numpy as np
from pydantic import Field

from tasks.core.types import AnyArray, Batch, BoolArray, Ragged
from tasks.mask.channelwise import mask_each
from tasks.mask.registry import MaskMethod, masks


class PeakFraction(MaskMethod):
    """Pixels above a fraction of the peak's height over the rim of the stamp."""

    method: Literal["peak_fraction"] = Field(
        default="peak_fraction", description="Pixels above a fraction of the peak's height over the rim of the stamp."
    )
    fraction: float = Field(
        default=0.5, description="Fraction of the height: 0.5 is the full width at half maximum.", gt=0, lt=1
    )


@masks.register(PeakFraction)
def peak_fraction(batch: Batch, config: PeakFraction) -> Ragged:
    """Masks of a batch: bool, C channels; of a channel with pixels that are no numbers, empty."""
    return mask_each(batch, lambda image, _: peak_mask(image, fraction=config.fraction))


def peak_mask(image: AnyArray, *, fraction: float) -> BoolArray:
    """Mask one channel of a stamp: pixels of at least ``(1 − fraction) · rim + fraction · peak``.

    Parameters
    ----------
    image
        (H, W), at least one pixel, any integer or float dtype, finite. Its rim, the outermost pixels, shows background:
        their median is the level from which the brightest pixel, the peak, rises.
    fraction
        Between 0 and 1.

    Returns
    -------
    BoolArray
        (H, W); empty where no pixel is brighter than the rim.

    Examples
    --------
    >>> peak_mask(np.array([[2, 2, 2, 2], [2, 6, 12, 2], [2, 2, 7, 2]]), fraction=0.5).astype(int).tolist()
    [[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]]
    """
    pixels = image.astype(np.float64)
    inner = np.zeros(pixels.shape, dtype=np.bool_)
    inner[1:-1, 1:-1] = True
    rim, peak = float(np.median(pixels[~inner])), float(pixels.max())
    above: BoolArray = pixels >= (1 - fraction) * rim + fraction * peak
    return above if peak > rim else np.zeros_like(above)
