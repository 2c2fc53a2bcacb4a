"""Mean of an image outside of its objects."""

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import any_order, compiled
from tasks.core.types import AnyArray, BoolArray, FloatArray, IntArray

BLOCK = 4096
"""Pixels that are summed on their own, which leaves fewer roundings."""


@compiled
def whole_sums(images: npt.NDArray[np.uint16], outside: BoolArray, sums: IntArray) -> None:
    """Sum the pixels of each plane where `outside` is set.

    Parameters
    ----------
    images
        (C, H·W) uint16.
    outside
        (H·W,) bool.
    sums
        (C,) int64, the result.
    """
    for channel in range(len(images)):
        plane, total = images[channel], np.int64(0)
        for at in range(len(outside)):
            total += np.int64(plane[at]) * np.int64(outside[at])
        sums[channel] = total


@compiled
def real_sums(images: FloatArray, outside: BoolArray, sums: FloatArray) -> None:
    """Sum as `whole_sums` does, of float64 and without what lies inside, whatever it is."""
    for channel in range(len(images)):
        total = 0.0
        for first in range(0, len(outside), BLOCK):
            total += _sum(images[channel, first : first + BLOCK], outside[first : first + BLOCK])
        sums[channel] = total


@any_order
def _sum(values: FloatArray, wanted: BoolArray) -> float:
    total = 0.0
    for at in range(len(values)):
        total += values[at] if wanted[at] else 0.0
    return total


def outside_means(image: AnyArray, outside: BoolArray) -> FloatArray:
    """Mean of each plane where `outside` is set.

    Parameters
    ----------
    image
        (C, H, W) of any integer or float dtype.
    outside
        (H, W) bool.

    Returns
    -------
    FloatArray
        (C,) float64; NaN where `outside` is set nowhere, or a plane holds NaN there.
    """
    count = np.count_nonzero(outside)
    if not count:
        return np.full(len(image), np.nan)
    flat, places = image.reshape(len(image), -1), np.ascontiguousarray(outside).ravel()
    if flat.dtype == np.uint16:
        whole = np.empty(len(flat), np.int64)
        whole_sums(np.ascontiguousarray(flat), places, whole)
        return whole / count
    real = np.empty(len(flat))
    for channel in range(len(flat)):
        # plane by plane, for other types are converted
        plane = np.ascontiguousarray(flat[channel : channel + 1], dtype=np.float64)
        real_sums(plane, places, real[channel : channel + 1])
    return real / count
