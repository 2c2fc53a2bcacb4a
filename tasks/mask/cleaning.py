"""What every threshold leaves behind: small holes to fill and small objects to drop."""

import math

from tasks.core.types import BoolArray

SMALLEST_OBJECT = 20
"""Pixels of the smallest object that is kept."""


def clean(mask: BoolArray, *, hole_area: float) -> BoolArray:
    """Fill the holes smaller than `hole_area`, then drop the objects smaller than 20 pixels.

    Holes and objects are 4-connected here, so that a small blob that touches a large object by a corner only is
    dropped, whereas `count_regions` takes what is left as 8-connected.

    Parameters
    ----------
    mask
        (H, W).
    hole_area
        In pixels; a hole of this very area stays open.
    """
    return drop_small(fill_holes(mask, area=hole_area))


def fill_holes(mask: BoolArray, *, area: float) -> BoolArray:
    """Fill the 4-connected holes of fewer than `area` pixels, also those at the frame, in a mask (H, W)."""
    from skimage.morphology import remove_small_holes

    # The size argument is inclusive; the bound here is not.
    filled: BoolArray = remove_small_holes(mask, max_size=math.ceil(area) - 1, connectivity=1)
    return filled


def drop_small(mask: BoolArray) -> BoolArray:
    """Drop the 4-connected objects of fewer than 20 pixels from a mask (H, W)."""
    from skimage.morphology import remove_small_objects

    result: BoolArray = remove_small_objects(mask, max_size=SMALLEST_OBJECT - 1, connectivity=1)
    return result


def count_regions(mask: BoolArray) -> int:
    """Count the 8-connected components of a mask (H, W)."""
    from skimage.measure import label

    return int(label(mask, connectivity=2, return_num=True)[1])
