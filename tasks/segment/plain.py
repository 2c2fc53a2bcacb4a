"""The operations by scipy and scikit-image in plain code, which the compiled ones are tested against.

`tasks.segment.operations.Operations` says what each of them does.
"""

import math

import numpy as np

from tasks.core.types import AnyArray, BoolArray, FloatArray, IntArray, LabelArray
from tasks.segment import tracing
from tasks.segment.operations import Histogram

xp = np

GAUSSIAN_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]]) / 6
"""Blind to constants, slopes and edges along rows or columns; keeps the standard deviation of white noise."""


def to_host(array: AnyArray, /) -> AnyArray:
    """Return the array."""
    return array


def scale(plane: AnyArray, /) -> tuple[AnyArray, BoolArray | None] | None:
    """Scale to 0..1."""
    # halved, so that the range of the largest floats does not overflow; exact, as is every scaling by a power of two
    halves = np.asarray(plane, dtype=np.float64) / 2
    finite = np.isfinite(halves)
    if not finite.any():
        return None
    low, high = float(halves[finite].min()), float(halves[finite].max())
    if low == high:
        return None
    scaled = (np.where(finite, halves, low) - low) / (high - low)
    return scaled.astype(np.float32), None if finite.all() else finite


def gaussian(image: AnyArray, /, *, sigma: float) -> AnyArray:
    """Gaussian filter."""
    from scipy import ndimage

    return np.asarray(ndimage.gaussian_filter(image.astype(np.float64), sigma), dtype=np.float32)


def histogram(image: AnyArray, /, *, bins: int) -> Histogram:
    """Count values in bins."""
    low, high = float(image.min()), float(image.max())
    counts = np.histogram(image.astype(np.float64), bins=bins, range=(low, high))[0]
    return Histogram(counts=counts.astype(np.int64), low=low, high=high)


def median(image: AnyArray, /, *, mask: BoolArray) -> float:
    """Median in a mask."""
    return float(np.median(image[mask].astype(np.float64)))


def noise(image: AnyArray, /, *, mask: BoolArray) -> float:
    """Noise of single pixels in a mask."""
    from scipy import ndimage

    return GAUSSIAN_MAD * median(np.abs(ndimage.convolve(image, NOISE_KERNEL.astype(np.float32))), mask=mask)


def sobel(image: AnyArray, /) -> AnyArray:
    """Magnitude of the gradient."""
    from skimage import filters

    return np.asarray(filters.sobel(image), dtype=np.float32)


def label(mask: BoolArray, /) -> LabelArray:
    """Label connected pieces."""
    from skimage import measure

    return np.asarray(measure.label(mask, connectivity=1), dtype=np.int32)


def remove_small_holes(mask: BoolArray, /, *, area: int) -> BoolArray:
    """Fill small holes."""
    from skimage import morphology

    return np.asarray(morphology.remove_small_holes(mask, max_size=area), dtype=np.bool_)


def distance(mask: BoolArray, /) -> AnyArray:
    """Distance to what is not in a mask."""
    from scipy import ndimage

    return np.asarray(ndimage.distance_transform_edt(mask), dtype=np.float32)


def peaks(height: AnyArray, /, *, mask: BoolArray, neck: float) -> LabelArray:
    """Mark clear peaks: the h-maxima of the logarithm with h = −log(neck)."""
    from scipy import ndimage
    from skimage.morphology import local_maxima, reconstruction

    if not mask.any():
        return np.zeros(mask.shape, dtype=np.int32)
    drop = -math.log(neck)
    logarithm = np.log(np.where(mask, height, 1.0).astype(np.float64))
    floor = float(logarithm[mask].min()) - 2 * drop - 1
    logarithm = np.where(mask, logarithm, floor)
    cross = ndimage.generate_binary_structure(2, 1)
    levelled = reconstruction(np.where(mask, logarithm - drop, floor), logarithm, footprint=cross)
    # a rim of floor around the field makes the maximum of a field that is all plateau a maximum, too
    maxima = local_maxima(np.pad(levelled, 1, constant_values=floor), connectivity=1)[1:-1, 1:-1]
    return label(maxima & mask)


def flood(height: AnyArray, /, *, markers: LabelArray, mask: BoolArray) -> LabelArray:
    """Flood a mask from markers."""
    from skimage import segmentation

    return np.asarray(segmentation.watershed(height, markers, mask=mask), dtype=np.int32)


def arrival(cost: AnyArray, /, *, seeds: LabelArray, mask: BoolArray) -> AnyArray:
    """Least cost of a path from any seed, in float64."""
    from skimage.graph import MCP_Geometric

    if not seeds.any():
        return np.full(cost.shape, np.inf, dtype=np.float32)
    # a negative cost: may not be entered
    costs, _ = MCP_Geometric(np.where(mask, cost, -1.0)).find_costs(np.argwhere(seeds > 0))
    return np.asarray(costs, dtype=np.float32)


def trace(arrival: AnyArray, /, *, cost: AnyArray, seeds: LabelArray, mask: BoolArray) -> LabelArray:
    """Give each pixel the label of its seed."""
    return tracing.trace(arrival, cost=cost, seeds=seeds, mask=mask, xp=np)


def areas(labels: LabelArray, /) -> IntArray:
    """Pixels of each object."""
    return np.bincount(labels.ravel(), minlength=1)


def quantiles(labels: LabelArray, /, *, image: AnyArray, q: float) -> FloatArray:
    """Quantile of each object's pixels.

    Examples
    --------
    >>> quantiles(np.array([[1, 1, 1, 3]], dtype=np.int32), image=np.array([[1.0, 2.0, 4.0, 5.0]]), q=0.75)
    array([nan,  3., nan,  5.])
    """
    from scipy import ndimage

    present = np.arange(1, int(labels.max(initial=0)) + 1)
    result = np.full(len(present) + 1, np.nan)
    if present.size:
        result[1:] = ndimage.labeled_comprehension(
            image.astype(np.float64), labels, present, lambda inside: np.quantile(inside, q), np.float64, np.nan
        )
    return result


def keep_above(labels: LabelArray, /, *, image: AnyArray, least: FloatArray) -> LabelArray:
    """Keep pixels above a level of their object."""
    return np.where(image > least.astype(np.float32)[labels], labels, np.int32(0))


def largest_pieces(labels: LabelArray, /) -> LabelArray:
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


def fill_holes(labels: LabelArray, /) -> LabelArray:
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


def raster_order(labels: AnyArray, /, *, keep: BoolArray | None = None) -> LabelArray:
    """Renumber objects by their first pixel.

    Examples
    --------
    >>> raster_order(np.array([[0, 7, 7], [3, 0, 7]], dtype=np.int32))
    array([[0, 1, 1],
           [2, 0, 1]], dtype=int32)
    """
    inside = np.flatnonzero(labels)
    present, first = np.unique(labels.ravel()[inside], return_index=True)
    kept = np.ones(len(present), dtype=np.bool_) if keep is None else keep[present]
    rank = np.zeros(len(present), dtype=np.int32)
    rank[np.flatnonzero(kept)[np.argsort(first[kept])]] = np.arange(1, np.count_nonzero(kept) + 1, dtype=np.int32)
    out = np.zeros(labels.size, dtype=np.int32)
    out[inside] = rank[np.searchsorted(present, labels.ravel()[inside])]
    return out.reshape(labels.shape)


def relabel(labels: LabelArray, /, *, numbers: IntArray) -> LabelArray:
    """Look each label up."""
    return numbers.astype(np.int32)[labels]


def at_frame(labels: LabelArray, /) -> IntArray:
    """Labels at the frame.

    Examples
    --------
    >>> np.unique(at_frame(np.array([[0, 1, 0], [0, 2, 0], [3, 0, 0]])))
    array([0, 1, 3])
    """
    return np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).astype(np.int64)
