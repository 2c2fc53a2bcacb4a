"""Border rule: an object that the frame cuts is not a whole cell."""

import numpy as np

from tasks.core.types import BoolArray, IntArray

SHARE = 0.25
"""Of the frame's shorter side: the published system's rule."""


def most_border_pixels(shapes: IntArray, *, share: float | None) -> IntArray:
    """(N,) int64: border pixels that an object may have in frames of (N, 2) shapes.

    These are int(share·min(H, W)); any number, 2·(H + W), where the share is None.
    """
    limits: IntArray = 2 * shapes.sum(axis=1) if share is None else (share * shapes.min(axis=1)).astype(np.int64)
    return limits


def remove_border_objects(mask: BoolArray, *, share: float | None = SHARE) -> BoolArray:
    """Remove the objects that touch the frame too much.

    An object (8-connected) is removed where it has more than int(share·min(H, W)) border pixels. These are counted
    along the first and last row and the first and last column, so that a corner counts twice, and so does every pixel
    of a stamp's only row or column.

    Parameters
    ----------
    mask
        (H, W).
    share
        Of the frame's shorter side, ≥ 0; None: no object is removed.

    Returns
    -------
    BoolArray
        (H, W), a new array.

    Examples
    --------
    >>> mask = np.zeros((8, 8), dtype=bool)
    >>> mask[0, 2:4] = True  # two border pixels: as many as a frame of 8 allows
    >>> mask[0, 5:8] = True  # four: three in the first row, one of them in the last column too
    >>> np.flatnonzero(remove_border_objects(mask)[0]).tolist()
    [2, 3]
    """
    from skimage.measure import label

    if not mask.any():
        return mask.copy()
    labels = label(mask, connectivity=2)
    (limit,) = most_border_pixels(np.array([mask.shape]), share=share)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    uncut = np.bincount(rim, minlength=labels.max() + 1) <= limit
    uncut[0] = False
    result: BoolArray = uncut[labels]
    return result
