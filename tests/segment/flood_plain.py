"""The watershed of `segment` as its definition reads: each property by itself, repeated until nothing changes."""

import numpy as np

from tasks.core.types import AnyArray, BoolArray, LabelArray

AROUND = ((-1, 0), (0, -1), (0, 1), (1, 0))
"""The 4 neighbors, in raster order."""


def beside(image: AnyArray, *, fill: float) -> list[AnyArray]:
    """Look at the neighbors of each pixel: an image of what they hold per entry of `AROUND`."""
    framed = np.pad(image, 1, constant_values=fill)
    rows, columns = image.shape
    return [framed[1 + row : 1 + row + rows, 1 + column : 1 + column + columns] for row, column in AROUND]


def flood_plain(height: AnyArray, *, markers: LabelArray, mask: BoolArray) -> LabelArray:
    """Flood as `tasks.segment.kernels.flood.flood` says."""
    # infinite heights are reached, too: a number above them stands for what is not
    ranks = np.unique(np.where(np.isnan(height), np.inf, height), return_inverse=True)[1].reshape(height.shape)
    never = height.size
    sources = (markers != 0) & mask
    levels = np.where(sources, ranks, never)
    while True:
        lowest = np.min(beside(levels, fill=never), axis=0)
        better = np.where(mask & ~sources, np.maximum(ranks, lowest), levels)
        better[lowest == never] = levels[lowest == never]
        if (better == levels).all():
            break
        levels = better
    reached = levels < never

    hops = np.where(sources, 0, never)
    hops[reached & ~sources & (np.min(beside(levels, fill=never), axis=0) < levels)] = 1
    while True:
        near = np.full(height.shape, never)
        for level, hop in zip(beside(levels, fill=never), beside(hops, fill=never), strict=True):
            near = np.minimum(near, np.where((level == levels) & (hop < never), hop + 1, never))
        better = np.where(reached, np.minimum(hops, near), never)
        if (better == hops).all():
            break
        hops = better

    order = np.where(reached, levels * never + hops, never**2).astype(np.int64)
    first = np.argmin(beside(order, fill=never**2), axis=0)
    labels = np.zeros(height.shape, np.int32)
    for row, column in np.argwhere(reached):
        at = (row, column)
        while not sources[at]:
            step = AROUND[first[at]]
            at = (at[0] + step[0], at[1] + step[1])
        labels[row, column] = markers[at]
    return labels
