"""Objects of which a cell may have several, such as spots: the cell that each belongs to."""

import numpy as np

from tasks.core.types import LabelArray


def relate(children: LabelArray, *, within: LabelArray) -> LabelArray:
    """Find the object in which each child lies, as CellProfiler's RelateObjects does.

    Parameters
    ----------
    children
        (H, W) int32, 1..M.
    within
        (H, W) int32, the objects that may hold them.

    Returns
    -------
    (M,) int32
        Label of the object that the child shares most pixels with, however many of its pixels lie in none; of equal
        ones the smallest; 0 where it shares a pixel with none.

    Examples
    --------
    >>> children = np.array([[1, 1, 1, 2, 2, 0, 3]], dtype=np.int32)
    >>> relate(children, within=np.array([[4, 4, 7, 7, 4, 4, 0]], dtype=np.int32))
    array([4, 4, 0], dtype=int32)
    """
    both = (children > 0) & (within > 0)
    stride = int(within.max(initial=0)) + 1
    pairs, shared = np.unique(children[both].astype(np.int64) * stride + within[both], return_counts=True)
    child, holder = np.divmod(pairs, stride)
    # ascending in pixels, descending in label: the last one written shares most, and is the smallest among equals
    order = np.lexsort((-holder, shared))
    result = np.zeros(int(children.max(initial=0)) + 1, dtype=np.int32)
    result[child[order]] = holder[order]
    return result[1:]
