"""The rim of a region, in which the edge statistics are taken."""

import numpy as np
from scipy import ndimage as ndi
from skimage.morphology import disk

from tasks.core.types import BoolArray

RADIUS = 6
"""Radius in pixels of the disk that erodes the region."""


def rim(mask: BoolArray) -> BoolArray:
    """Return the pixels of a region that its erosion by a disk removes.

    Parameters
    ----------
    mask
        (H, W) bool.

    Returns
    -------
    BoolArray
        (H, W) bool. What lies outside the array counts as part of the region, so a region that is cut by the frame has
        no rim along the cut, and one that fills the frame has none at all.
    """
    return np.asarray(mask & ~ndi.binary_erosion(mask, structure=disk(RADIUS), border_value=1), dtype=np.bool_)
