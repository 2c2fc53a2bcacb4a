"""Small operations on label images: (H, W) int32, 0 for background, one number per object."""

import numpy as np

from tasks.core.types import AnyArray, BoolArray, FloatArray, LabelArray


def raster_order(labels: AnyArray) -> LabelArray:
    """Give the objects the numbers 1..K by their first pixel, row by row.

    Examples
    --------
    >>> raster_order(np.array([[0, 7, 7], [3, 0, 7]]))
    array([[0, 1, 1],
           [2, 0, 1]], dtype=int32)
    """
    inside = np.flatnonzero(labels)
    numbers, first = np.unique(labels.ravel()[inside], return_index=True)
    result = np.zeros(labels.size, dtype=np.int32)
    rank = np.empty(len(numbers), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(1, len(numbers) + 1, dtype=np.int32)
    result[inside] = rank[np.searchsorted(numbers, labels.ravel()[inside])]
    return result.reshape(labels.shape)


def select(labels: LabelArray, *, keep: BoolArray) -> LabelArray:
    """Erase the objects k for which ``keep[k]`` is false; ``keep`` has max + 1 entries, the first of which is ignored.

    Examples
    --------
    >>> select(np.array([[0, 1, 2]], dtype=np.int32), keep=np.array([True, False, True]))
    array([[0, 0, 2]], dtype=int32)
    """
    table = np.where(keep, np.arange(len(keep), dtype=np.int32), np.int32(0)).astype(np.int32)
    table[0] = 0
    return table[labels]


def at_frame(labels: AnyArray) -> AnyArray:
    """Labels of the pixels in the first and last row and column, repeated as they occur, background among them.

    Examples
    --------
    >>> np.unique(at_frame(np.array([[0, 1, 0], [0, 2, 0], [3, 0, 0]])))
    array([0, 1, 3])
    """
    return np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])


def largest_pieces(labels: LabelArray) -> LabelArray:
    """Keep the largest 4-connected piece of each object; of equal ones, the first in raster order.

    Examples
    --------
    >>> largest_pieces(np.array([[1, 0, 1, 1], [2, 0, 0, 0]], dtype=np.int32))
    array([[0, 0, 1, 1],
           [2, 0, 0, 0]], dtype=int32)
    """
    from skimage.measure import label

    pieces = label(labels, connectivity=1, background=0)
    areas = np.bincount(pieces.ravel())
    owner = np.zeros(len(areas), dtype=np.int32)
    owner[pieces.ravel()] = labels.ravel()
    # ascending in area, descending in number: the last one written is the largest, and the first among equals
    order = np.lexsort((-np.arange(len(areas)), areas))
    best = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.int64)
    best[owner[order]] = order
    largest = np.zeros(len(areas), dtype=np.bool_)
    largest[best] = True
    return np.where(largest[pieces], labels, np.int32(0))


def fill_holes(labels: LabelArray) -> LabelArray:
    """Give background that one object encloses to that object.

    A hole is an 8-connected part of the background (objects are 4-connected) that reaches neither the frame nor a
    second object.

    Examples
    --------
    >>> ring = np.array([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 2]], dtype=np.int32)
    >>> fill_holes(ring)
    array([[1, 1, 1, 0],
           [1, 1, 1, 0],
           [1, 1, 1, 2]], dtype=int32)
    """
    from skimage.measure import label

    holes = label(labels == 0, connectivity=2)
    count = int(holes.max(initial=0))
    lowest = np.full(count + 1, np.iinfo(np.int32).max, dtype=np.int32)
    highest = np.zeros(count + 1, dtype=np.int32)
    for hole, neighbour in (
        (holes[1:], labels[:-1]),
        (holes[:-1], labels[1:]),
        (holes[:, 1:], labels[:, :-1]),
        (holes[:, :-1], labels[:, 1:]),
    ):
        rim = (hole > 0) & (neighbour > 0)
        np.minimum.at(lowest, hole[rim], neighbour[rim])
        np.maximum.at(highest, hole[rim], neighbour[rim])
    filled = lowest == highest
    filled[at_frame(holes)] = False
    filled[0] = False
    return np.where(filled[holes], highest[holes], labels).astype(np.int32)


def quantiles(labels: LabelArray, *, values: FloatArray, q: float) -> FloatArray:
    """(max + 1,) float64: linear quantile `q` of the values in each object; NaN where there is none, and at 0.

    Examples
    --------
    >>> quantiles(np.array([[1, 1, 1, 3]], dtype=np.int32), values=np.array([[1.0, 2.0, 4.0, 5.0]]), q=0.75)
    array([nan,  3., nan,  5.])
    """
    from scipy import ndimage

    present = np.arange(1, int(labels.max(initial=0)) + 1)
    result = np.full(len(present) + 1, np.nan)
    if present.size:
        result[1:] = ndimage.labeled_comprehension(
            values, labels, present, lambda inside: np.quantile(inside, q), np.float64, np.nan
        )
    return result
