"""Which seed each pixel is reached from, in array code that serves numpy and cupy."""

from typing import Any

import numpy as np

from tasks.segment.operations import Image, Labels, Mask

STEPS = tuple((row, column) for row in (-1, 0, 1) for column in (-1, 0, 1) if row or column)
"""The 8 neighbors, in raster order."""


def trace(arrival: Image, /, *, cost: Image, seeds: Labels, mask: Mask, xp: Any) -> Labels:  # noqa: ANN401 - a module
    """Give each pixel the label of its seed; see `tasks.segment.operations`."""
    height, width = arrival.shape
    own = xp.arange(height * width).reshape(height, width)
    best = xp.full(arrival.shape, np.inf, dtype=np.float32)
    pointers = own.copy()
    costs = xp.pad(cost, 1)
    arrivals = xp.pad(xp.where(mask, arrival, np.inf).astype(np.float32), 1, constant_values=np.inf)
    for row, column in STEPS:
        beside = slice(1 + row, 1 + row + height), slice(1 + column, 1 + column + width)
        half = np.float32(np.sqrt((row * row + column * column) / 4))
        total = arrivals[beside] + (cost + costs[beside]) * half
        better = (arrivals[beside] < arrival) & (total < best) & mask
        best = xp.where(better, total, best)
        pointers = xp.where(better, own + (row * width + column), pointers)
    pointers = pointers.ravel()
    while True:
        farther = pointers[pointers]
        if (farther == pointers).all():
            labels: Labels = xp.where(mask, seeds.ravel()[pointers].reshape(height, width), np.int32(0))
            return labels
        pointers = farther
