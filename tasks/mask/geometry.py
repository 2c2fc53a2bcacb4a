"""Where the masks of a stamp lie, and how bright the rest of it is."""

import math

import numpy as np

from tasks.core.types import AnyArray, BoolArray


def bounding_box(masks: BoolArray) -> tuple[int, int, int, int]:
    """Box around the masks of all channels.

    Parameters
    ----------
    masks
        (C, H, W).

    Returns
    -------
    tuple of int
        Min row, min column, max row, max column, half open; zeros where all masks are empty.

    Examples
    --------
    >>> masks = np.zeros((2, 5, 6), dtype=bool)
    >>> masks[0, 1, 2] = masks[1, 3, 4] = True
    >>> bounding_box(masks)
    (1, 2, 4, 5)
    """
    _, rows, columns = np.nonzero(masks)
    if not rows.size:
        return 0, 0, 0, 0
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


def outside_mean(image: AnyArray, mask: BoolArray) -> float:
    """Mean of the pixels outside a mask, in float64.

    Parameters
    ----------
    image, mask
        (H, W).

    Returns
    -------
    float
        NaN where the mask fills the stamp, or where pixels outside it are NaN.

    Examples
    --------
    >>> image = np.array([[1, 9], [2, 6]], dtype=np.uint8)
    >>> outside_mean(image, image > 8)
    3.0
    """
    outside = image[~mask].astype(np.float64)
    if outside.size == 0:
        return math.nan
    with np.errstate(over="ignore", invalid="ignore"):  # infinite pixels, or a sum beyond float64
        return float(outside.mean())
