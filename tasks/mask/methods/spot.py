"""Mask ``spot``: whatever is brighter than its surroundings and smaller than a disk."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from tasks.core.per_channel import PerChannel, shorthand
from tasks.core.types import AnyArray, Batch, BoolArray, FloatArray, Ragged
from tasks.mask.channelwise import is_finite, mask_blocks, mask_each, unit_scale
from tasks.mask.kernels.blocks import Block
from tasks.mask.kernels.spot import mask_spot
from tasks.mask.registry import MaskMethod, masks

SIZE = 5
"""Default radius of the disk, px."""

QUANTILE = 0.99
"""Of the top-hat's pixels; those above it are spots."""

Size = Annotated[int, Field(ge=1, le=100)]


class Spot(MaskMethod):
    """Bright spots: the top-hat's brightest hundredth."""

    method: Literal["spot"] = Field(
        default="spot", description="Bright spots: the brightest hundredth of what a disk does not fit under."
    )
    size: Annotated[PerChannel[Size], shorthand(default=SIZE)] = Field(
        default=PerChannel[Size](default=SIZE),
        description="Radius in pixels of the disk that no spot can hold. One number, or one per channel.",
    )


def spot_plain(batch: Batch, config: Spot) -> Ragged:
    """Masks of a batch by the plain code: bool, C channels."""
    return mask_each(batch, lambda image, channel: spot_mask(image, size=config.size.of(channel)))


@masks.register(Spot, plain=spot_plain)
def spot(batch: Batch, config: Spot) -> Ragged:
    """Masks of a batch: bool, C channels."""
    radii = np.array([config.size.of(channel) for channel in batch.channels], dtype=np.int64)

    def mask(block: Block, out: BoolArray, certain: BoolArray) -> None:
        del certain  # nothing is rounded but the quantile, and that in the same way
        mask_spot(block.pixels, block.shapes, radii, QUANTILE, out)

    return mask_blocks(batch, mask, plain=lambda image, channel: spot_mask(image, size=config.size.of(channel)))


def spot_mask(image: AnyArray, *, size: int = SIZE) -> BoolArray:
    """Mask the spots in one channel of a stamp.

    White top-hat, that is, pixels minus their grey opening with a disk (frame mirrored, edge pixel repeated) → pixels
    above its 99 % quantile (linear between the two nearest ranks). Nothing is filled or dropped: a spot may be a single
    pixel.

    Parameters
    ----------
    image
        (H, W) pixels of any integer or float dtype.
    size
        Radius of the disk, px, at least 1: the disk has the pixels within `size` of its centre.

    Returns
    -------
    BoolArray
        (H, W), at most a hundredth of the pixels, rounded up; empty where the image is constant, has NaN or infinite
        pixels, or where more than a hundredth of the pixels share the top-hat's highest value.

    Notes
    -----
    Adding a constant to integer pixels, or scaling them by a power of two, leaves the mask as it is.

    References
    ----------
    Soille, Morphological Image Analysis, 2003 (top-hat); used so in the published system SCIP
    (bioRxiv 2022.10.24.512549).

    Examples
    --------
    >>> image = np.zeros((30, 30), dtype=np.uint16)
    >>> image[2, 3] = image[2, 4] = 200  # a spot
    >>> image[10:25, 10:25] = 90  # too large for a spot
    >>> np.argwhere(spot_mask(image, size=3)).tolist()
    [[2, 3], [2, 4]]
    """
    if image.size == 0 or not is_finite(image):
        return np.zeros(image.shape, dtype=np.bool_)
    bright = top_hat(unit_scale(image)[0], size=size)
    spots: BoolArray = bright > np.quantile(bright, QUANTILE)
    return spots


def top_hat(image: FloatArray, *, size: int) -> FloatArray:
    """White top-hat of an image (H, W) with a disk of radius `size`, the image mirrored beyond the frame."""
    from skimage.morphology import disk, white_tophat

    # Where the disk is several times larger than the image scipy's own mirror reads beyond the image's memory.
    margin = 2 * size if size > min(image.shape) else 0
    mirrored = np.pad(image, margin, mode="symmetric")
    bright: FloatArray = white_tophat(mirrored, disk(size), mode="reflect")
    return bright[margin : margin + image.shape[0], margin : margin + image.shape[1]]
