"""Border rule: an object that the frame cuts is not a whole cell."""

import numpy as np
from skimage.measure import label

from tasks.core.types import BoolArray


def remove_border_objects(mask: BoolArray) -> BoolArray:
    """Remove the objects that touch the frame too much.

    An object (8-connected) is removed where it has more than int(0.25·min(H, W)) border pixels. Those are counted along
    the first and last row and the first and last column, so that a corner counts twice, and so does every pixel of a
    stamp's only row or column.

    Parameters
    ----------
    mask
        (H, W).

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
    if not mask.any():
        return mask.copy()
    labels = label(mask, connectivity=2)
    limit = int(0.25 * min(mask.shape))
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    whole = np.bincount(rim, minlength=labels.max() + 1) <= limit
    whole[0] = False
    kept: BoolArray = whole[labels]
    return kept
