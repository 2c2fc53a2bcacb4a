"""The operations on a CPU: compiled, in float32, without the interpreter's lock.

`tasks.segment.operations.Operations` says what each of them does.
"""

import math

import numpy as np

from tasks.core.types import AnyArray, BoolArray, FloatArray, IntArray, LabelArray
from tasks.segment.kernels import components, filters, numbering, selection
from tasks.segment.kernels.arrival import arrival as find_arrival
from tasks.segment.kernels.arrival import trace as find_seeds
from tasks.segment.kernels.distance import distance as find_distance
from tasks.segment.kernels.flood import flood as flood_mask
from tasks.segment.kernels.peaks import peaks as find_peaks
from tasks.segment.operations import Histogram, Image, Labels, Mask

xp = np

GAUSSIAN_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
WIDE = 12.0
"""From this standard deviation on, in pixels, a Gaussian filters means of blocks instead of pixels."""
BLOCKS = 6
"""Blocks per standard deviation of a wide Gaussian, at least."""


def to_host(array: AnyArray, /) -> AnyArray:
    """Return the array."""
    return array


def scale(plane: AnyArray, /) -> tuple[Image, Mask | None] | None:
    """Scale to 0..1."""
    out = np.empty(plane.shape, dtype=np.float32)
    if plane.dtype in (np.uint8, np.uint16):
        native = np.require(plane, plane.dtype.newbyteorder("="), ["C", "W"])
        return (out, None) if plane.size and filters.scale_integers(native.ravel(), out.ravel()) else None
    values = np.require(plane, np.float64, ["C", "W"]).ravel()
    contrast, complete = filters.scale_floats(values, out.ravel())
    if not contrast:
        return None
    return out, None if complete else np.isfinite(values).reshape(plane.shape)


def gaussian(image: Image, /, *, sigma: float) -> Image:
    """Gaussian filter.

    A wide one filters the means of blocks, at least six per standard deviation, and interpolates linearly between
    their centers. The variance that both add, a quarter of the block's side squared, is taken from the filter's.
    """
    out = np.empty_like(image)
    if sigma < WIDE:
        weights = half_kernel(sigma)
        filters.blur(image, weights, weights, out)
        return out
    counts = [math.ceil(side / (sigma // BLOCKS)) for side in image.shape]
    sides = [side / count for side, count in zip(image.shape, counts, strict=True)]
    blocks = np.zeros(counts, dtype=np.float32)
    filters.shrink(image, blocks)
    down, across = (half_kernel(math.sqrt(max((sigma / side) ** 2 - 0.25, 0.0))) for side in sides)
    smooth = np.empty_like(blocks)
    filters.blur(blocks, down, across, smooth)
    filters.stretch(smooth, out)
    return out


def half_kernel(sigma: float) -> Image:
    """Weights of a Gaussian cut at four standard deviations, from its center outwards."""
    radius = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 / max(sigma, 1e-9) ** 2 * np.arange(radius + 1) ** 2)
    return np.asarray(weights / (2 * weights.sum() - weights[0]), dtype=np.float32)


def histogram(image: Image, /, *, bins: int) -> Histogram:
    """Count values in bins."""
    low, high = selection.extremes(image.ravel())
    counts = np.zeros(bins, dtype=np.int64)
    if low < high:
        selection.count_bins(image.ravel(), low, high, counts)
    return Histogram(counts=counts, low=float(low), high=float(high))


def median(image: Image, /, *, mask: Mask) -> float:
    """Median in a mask."""
    return float(selection.median_of(image.ravel(), mask.ravel()))


def noise(image: Image, /, *, mask: Mask) -> float:
    """Noise of single pixels in a mask."""
    differences = np.empty_like(image)
    filters.second_differences(image, differences)
    return GAUSSIAN_MAD * median(differences, mask=mask)


def sobel(image: Image, /) -> Image:
    """Magnitude of the gradient."""
    out = np.empty_like(image)
    filters.sobel(image, out)
    return out


def label(mask: Mask, /) -> Labels:
    """Label connected pieces."""
    out = np.zeros(mask.shape, dtype=np.int32)
    components.label(mask, out)
    return out


def remove_small_holes(mask: Mask, /, *, area: int) -> Mask:
    """Fill small holes."""
    out = mask.copy()
    components.remove_small_holes(out, area)
    return out


def distance(mask: Mask, /) -> Image:
    """Distance to what is not in a mask."""
    out = np.zeros(mask.shape, dtype=np.float32)
    find_distance(mask, out)
    return out


def peaks(height: Image, /, *, mask: Mask, neck: float) -> Labels:
    """Mark clear peaks."""
    out = np.zeros(mask.shape, dtype=np.int32)
    find_peaks(height, mask, neck, out)
    return out


def flood(height: Image, /, *, markers: Labels, mask: Mask) -> Labels:
    """Flood a mask from markers."""
    return flood_mask(height, markers=markers, mask=mask)


def arrival(cost: Image, /, *, seeds: Labels, mask: Mask) -> Image:
    """Least cost of a path from any seed."""
    out = np.empty_like(cost)
    find_arrival(cost, seeds, mask, out)
    return out


def trace(arrival: Image, /, *, cost: Image, seeds: Labels, mask: Mask) -> Labels:
    """Give each pixel the label of its seed."""
    out = np.zeros(seeds.shape, dtype=np.int32)
    find_seeds(arrival, cost, seeds, mask, out)
    return out


def areas(labels: Labels, /) -> IntArray:
    """Pixels of each object."""
    out = np.zeros(_count(labels) + 1, dtype=np.int64)
    numbering.count_areas(labels.ravel(), out)
    return out


def quantiles(labels: Labels, /, *, image: Image, q: float) -> FloatArray:
    """Quantile of each object's pixels."""
    out = np.full(_count(labels) + 1, np.nan)
    selection.object_quantiles(labels.ravel(), image.ravel(), q, out)
    return out


def keep_above(labels: Labels, /, *, image: Image, least: FloatArray) -> Labels:
    """Keep pixels above a level of their object."""
    out = np.zeros(labels.shape, dtype=np.int32)
    numbering.keep_above(labels.ravel(), image.ravel(), least.astype(np.float32), out.ravel())
    return out


def largest_pieces(labels: Labels, /) -> Labels:
    """Keep the largest piece of each object."""
    out = labels.copy()
    components.largest_pieces(out, _count(labels))
    return out


def fill_holes(labels: Labels, /) -> Labels:
    """Fill holes that one object encloses."""
    out = labels.copy()
    components.fill_holes(out)
    return out


def raster_order(labels: AnyArray, /, *, keep: BoolArray | None = None) -> Labels:
    """Renumber objects by their first pixel."""
    if labels.dtype != np.int32 or not labels.flags.c_contiguous or (count := _count(labels)) > labels.size:
        from tasks.segment import plain  # whose numbers may be any, such as those of a file

        return plain.raster_order(labels, keep=keep)
    out = np.zeros(labels.shape, dtype=np.int32)
    kept = np.ones(count + 1, dtype=np.bool_) if keep is None else keep
    numbering.raster_order(labels.ravel(), kept, out.ravel())
    return out


def relabel(labels: Labels, /, *, numbers: IntArray) -> Labels:
    """Look each label up."""
    out = np.empty_like(labels)
    numbering.relabel(labels.ravel(), numbers.astype(np.int32), out.ravel())
    return out


def at_frame(labels: Labels, /) -> IntArray:
    """Labels at the frame."""
    return np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).astype(np.int64)


def _count(labels: LabelArray) -> int:
    return int(numbering.greatest(labels.ravel()))
