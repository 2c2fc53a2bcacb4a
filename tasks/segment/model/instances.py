"""From the maps of a network to objects: peaks of the distance to the rim, then a watershed between them."""

import math

import numpy as np

from tasks.core.types import AnyArray, BoolArray, LabelArray
from tasks.segment import cpu
from tasks.segment.kernels.flood import Heights

FLOOR = -4.0
"""Height outside the foreground: below every height less every drop, both of which lie between 0 and 1."""


def instances(
    maps: AnyArray,
    *,
    foreground_threshold: float,
    peak_drop: float,
    boundary_weight: float,
    min_diameter: float,
) -> LabelArray:
    """Find objects in the maps of a network.

    1. Pixels whose foreground reaches the threshold are foreground.
    2. ``height = distance · (1 − boundary_weight · boundary)``.
    3. Markers are the peaks of the height between which it falls by `peak_drop` below the lower one: its h-maxima,
       4-connected. So every 4-connected area has at least one.
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
    foreground, height = _landscape(maps, threshold=foreground_threshold, boundary_weight=boundary_weight)
    if not foreground.any():
        return np.zeros(foreground.shape, dtype=np.int32)
    markers = _peaks(height, foreground=foreground, drop=peak_drop)
    parts = cpu.fill_holes(cpu.largest_pieces(cpu.flood(-height, markers=markers, mask=foreground)))
    labels: LabelArray = cpu.raster_order(parts, keep=cpu.areas(parts) >= math.pi * (min_diameter / 2) ** 2)
    return labels


def _landscape(maps: AnyArray, *, threshold: float, boundary_weight: float) -> tuple[BoolArray, Heights]:
    """(H, W) bool foreground and (H, W) float32 height, `FLOOR` outside of it."""
    inside, distance, boundary = maps.astype(np.float32, copy=False)
    height = distance * (np.float32(1) - np.float32(boundary_weight) * boundary)
    foreground = (inside >= np.float32(threshold)) & np.isfinite(height)
    return foreground, np.where(foreground, height, np.float32(FLOOR))


def _peaks(height: Heights, *, foreground: BoolArray, drop: float) -> LabelArray:
    """Label the h-maxima of the height."""
    from scipy import ndimage
    from skimage.measure import label
    from skimage.morphology import local_maxima, reconstruction

    cross = ndimage.generate_binary_structure(2, 1)
    floor = np.float32(FLOOR)
    levelled = reconstruction(np.where(foreground, height - np.float32(drop), floor), height, footprint=cross)
    # a rim of floor around the field makes the maximum of a field that is all plateau a maximum, too
    peaks = local_maxima(np.pad(levelled, 1, constant_values=floor), connectivity=1)[1:-1, 1:-1]
    return np.asarray(label(peaks & foreground, connectivity=1), dtype=np.int32)
