"""Median of each pixel's neighbourhood, which the frame cuts."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tasks.core.types import BoolArray, FloatArray

HISTOGRAM_LEVELS = 1024
"""Whole numbers below this are counted; other pixels are sorted, which takes longer."""


def rank_median(image: FloatArray, *, radius: int) -> FloatArray:
    """Median over a disk around each pixel.

    Parameters
    ----------
    image
        (H, W), finite, not empty.
    radius
        Of the disk, px: it has the pixels within `radius` of its centre.

    Returns
    -------
    FloatArray
        (H, W): of the n pixels of the disk that lie inside the frame, in ascending order, number n // 2 counted from
        0; that is the upper one of the two middle ones where n is even.

    Examples
    --------
    >>> rank_median(np.array([[8.0, 2.5, 4.0]]), radius=1)  # of (8, 2.5), of (8, 2.5, 4), of (2.5, 4)
    array([[8., 4., 4.]])
    """
    from skimage.filters import rank
    from skimage.morphology import disk

    footprint = disk(radius, dtype=np.bool_)
    integral = image.min() >= 0 and image.max() < HISTOGRAM_LEVELS and bool(np.all(image == np.trunc(image)))
    if integral:
        counted: FloatArray = rank.median(image.astype(np.uint16), footprint=footprint).astype(np.float64)
        return counted
    return sorted_median(image, footprint=footprint)


def sorted_median(image: FloatArray, *, footprint: BoolArray) -> FloatArray:
    """Median as in `rank_median`, for any finite pixels and any footprint of odd sides whose centre is true."""
    height, width = footprint.shape
    padded = np.pad(image, [(height // 2, height // 2), (width // 2, width // 2)], constant_values=np.nan)
    medians = np.empty(image.shape)
    for row, windows in enumerate(sliding_window_view(padded, footprint.shape)):
        neighbours = np.sort(windows[:, footprint], axis=1)  # NaN, that is, beyond the frame, comes last
        middle = np.count_nonzero(~np.isnan(neighbours), axis=1) // 2
        medians[row] = np.take_along_axis(neighbours, middle[:, np.newaxis], axis=1)[:, 0]
    return medians
