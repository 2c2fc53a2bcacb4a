"""The watershed of `tasks.segment.kernels.flood` on a GPU: the same labels, since its definition knows no order."""

import numpy as np

from tasks.segment.cuda.launch import DeviceArray, Kernels, each, relax


def flood_stack(height: DeviceArray, *, markers: DeviceArray, mask: DeviceArray, kernels: Kernels) -> DeviceArray:
    """Flood N masks from markers, low places first.

    Levels and hops are relaxed; every pixel then points to the neighbor that is flooded first; pointers are followed.

    Parameters
    ----------
    height, markers, mask
        (N, H, W) float32, int32, bool in C order, of fewer than 2³¹ pixels.
    kernels
        What runs them.

    Returns
    -------
    (N, H, W) int32
        Labels, as `tasks.segment.kernels.flood.flood` defines them for each image by itself.
    """
    xp = kernels.xp
    size = height.size
    if size == 0:
        return xp.zeros(height.shape, np.int32)
    images, rows, columns = (np.int32(length) for length in height.shape)
    order, pointers = xp.empty(height.shape, np.uint64), xp.empty(height.shape, np.int32)
    each(kernels, "flood_begin", (height, markers, mask, np.int64(size), order), count=size)
    relax(kernels, "flood_relax", (height, markers, mask), values=order)
    each(kernels, "flood_point", (order, markers, mask, rows, columns, images, pointers), count=size)
    return follow(pointers, labels=markers, kernels=kernels)


def follow(pointers: DeviceArray, *, labels: DeviceArray, kernels: Kernels) -> DeviceArray:
    """Label each pixel as the one that pointers lead to, from pixel to pixel until one points to itself; −1 gives 0.

    Parameters
    ----------
    pointers
        Flat indices of pixels, int32, of the shape of `labels`; shortened in place.
    """
    xp = kernels.xp
    changed = xp.ones(1, np.int32)
    while int(changed[0]):
        changed.fill(0)
        each(kernels, "pointers_jump", (np.int64(pointers.size), pointers, changed), count=pointers.size)
    return xp.where(pointers < 0, np.int32(0), labels.ravel()[pointers.ravel()].reshape(labels.shape))
