"""The mask ``spot`` of many channels."""

import numpy as np

from tasks.core.kernels.compiled import compiled
from tasks.core.types import BoolArray, FloatArray, IntArray
from tasks.mask.kernels.filters import all_finite, to_unit_scale
from tasks.mask.kernels.morphology import dilate, dilated_size, erode


@compiled
def mask_spot(
    pixels: FloatArray,
    shapes: IntArray,
    radii: IntArray,
    quantile: float,
    out: BoolArray,
) -> None:
    """Mask the channels of a block as `tasks.mask.methods.spot.spot_mask` does.

    Parameters
    ----------
    pixels, shapes
        Of a `Block`.
    radii
        (C,), of the disks.
    quantile
        Of the top-hat's pixels; those above it are spots.
    out
        The result: flat masks, false before.
    """
    largest = 1
    for cell in range(len(shapes)):
        largest = max(largest, shapes[cell, 0] * shapes[cell, 1])
    work = np.empty((3, dilated_size(shapes, radii.max())))
    images, opened = np.empty(largest), np.empty(largest)
    start = 0
    for cell in range(len(shapes)):
        height, width = shapes[cell]
        size = height * width
        for channel in range(len(radii)):
            plane = pixels[start : start + size]
            if size > 0 and all_finite(plane):
                to_unit_scale(plane, images[:size])
                for at in range(size):
                    opened[at] = images[at]
                erode(opened, height, width, radii[channel], work)
                dilate(opened, height, width, radii[channel], work)
                for at in range(size):
                    images[at] -= opened[at]
                    opened[at] = images[at]
                threshold = quantile_of(opened, size, quantile)
                for at in range(size):
                    out[start + at] = images[at] > threshold
            start += size


@compiled
def quantile_of(values: FloatArray, count: int, quantile: float) -> float:
    """Quantile of the first values, linear between ranks, rounded as `numpy.quantile` does; the values change place."""
    rank = (count - 1) * quantile
    before = int(rank)
    if before >= count - 1:
        return select(values, count, count - 1)
    low = select(values, count, before)
    # what comes after the selected one is not smaller
    high = values[before + 1]
    for at in range(before + 2, count):
        high = min(high, values[at])
    part = rank - before
    if part >= 0.5:
        return float(high - (high - low) * (1 - part))
    return float(low + (high - low) * part)


@compiled
def select(values: FloatArray, count: int, rank: int) -> float:
    """Move the value of a rank, from 0 on, to its place, smaller ones before it; Hoare's selection."""
    first, last = 0, count - 1
    while first < last:
        pivot = values[(first + last) // 2]
        left, right = first, last
        while left <= right:
            while values[left] < pivot:
                left += 1
            while pivot < values[right]:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if rank <= right:
            last = right
        elif rank >= left:
            first = left
        else:
            break
    return float(values[rank])
