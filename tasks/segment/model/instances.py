"""From the maps of a network to objects: peaks of the distance to the rim, then a watershed between them."""

import math

import numpy as np

from tasks.core.types import AnyArray, LabelArray
from tasks.segment import cpu
from tasks.segment.operations import Operations


def instances(
    maps: AnyArray,
    *,
    foreground_threshold: float,
    peak_drop: float,
    boundary_weight: float,
    min_diameter: float,
    operations: Operations = cpu,
) -> LabelArray:
    """Find objects in the maps of a network.

    1. Pixels whose foreground reaches the threshold are foreground.
    2. ``height = distance · (1 − boundary_weight · boundary)``.
    3. Markers are the peaks of the height between which it falls by more than `peak_drop` below the lower one, its
       h-maxima. Every 4-connected area has at least one.
    4. A watershed floods the foreground from them, the highest pixels first.
    5. Each object is reduced to its largest 4-connected piece, its holes are filled, and small ones are dropped.

    Parameters
    ----------
    maps
        (3, H, W) float: foreground, distance and boundary, each in [0, 1]; a pixel of which any is not finite is
        background.
    foreground_threshold
        Least foreground of an object's pixel.
    peak_drop
        Fall of the height, in [0, 1], that parts two peaks.
    boundary_weight
        How much of the height a certain boundary takes away, in [0, 1].
    min_diameter
        Objects smaller than a disc of this diameter, in pixels of the maps, are dropped.
    operations
        Compiled, or `tasks.segment.plain`.

    Returns
    -------
    (H, W) int32
        1..K in raster order of first pixels.

    Examples
    --------
    >>> rows, columns = np.mgrid[:40, :60]
    >>> distance = np.max([1 - np.hypot(rows - 20, columns - centre) / 10 for centre in (20, 37)], axis=0).clip(0)
    >>> maps = np.stack([distance > 0, distance, np.zeros((40, 60))])
    >>> int(instances(maps, foreground_threshold=0.5, peak_drop=0.1, boundary_weight=1.0, min_diameter=4.0).max())
    2
    """
    inside, distance, boundary = maps.astype(np.float32, copy=False)
    height = distance * (np.float32(1) - np.float32(boundary_weight) * boundary)
    foreground = (inside >= np.float32(foreground_threshold)) & np.isfinite(height)
    if not foreground.any():
        return np.zeros(foreground.shape, dtype=np.int32)
    height = np.where(foreground, height, np.float32(0))
    # a fall by so much is a ratio of exponentials
    markers = operations.peaks(np.exp(height), mask=foreground, neck=math.exp(-peak_drop))
    parts = operations.flood(-height, markers=markers, mask=foreground)
    parts = operations.fill_holes(operations.largest_pieces(parts))
    keep = operations.areas(parts) >= math.pi * (min_diameter / 2) ** 2
    labels: LabelArray = operations.raster_order(parts, keep=keep)
    return labels
