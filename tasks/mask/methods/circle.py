"""Mask ``circle``: a disk in the middle of the stamp, whatever the pixels."""

from typing import Literal

import numpy as np
from pydantic import Field

from tasks.core.types import AnyArray, Batch, BoolArray, Ragged
from tasks.mask.channelwise import mask_each
from tasks.mask.registry import MaskMethod, masks


class Circle(MaskMethod):
    """A disk in the middle of the stamp."""

    method: Literal["circle"] = Field(
        default="circle", description="Disk in the middle of the stamp, a third of its smaller side in radius."
    )


@masks.register(Circle)
def circle(batch: Batch, config: Circle) -> Ragged:
    """Masks of a batch: bool, C channels, all channels of a stamp alike."""
    del config
    disks: dict[tuple[int, ...], BoolArray] = {}

    def disk(image: AnyArray) -> BoolArray:
        if image.shape not in disks:
            disks[image.shape] = circle_mask(image)
        return disks[image.shape]

    return mask_each(batch, lambda image, _: disk(image))


def circle_mask(image: AnyArray) -> BoolArray:
    """Mask the pixels within min(H, W) // 3 of the pixel (H // 2, W // 2).

    Parameters
    ----------
    image
        (H, W); only its shape matters.

    Returns
    -------
    BoolArray
        (H, W); a single pixel where a side is shorter than 3 pixels.

    Examples
    --------
    >>> circle_mask(np.zeros((3, 5))).astype(int).tolist()
    [[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]
    """
    height, width = image.shape
    rows, columns = np.ogrid[:height, :width]
    inside: BoolArray = (rows - height // 2) ** 2 + (columns - width // 2) ** 2 <= (min(height, width) // 3) ** 2
    return inside
