"""Texture inside a region: co-occurrence of grey levels, and the gradient, as the two profiles define them."""

import numpy as np
from scipy import ndimage as ndi
from skimage.filters import sobel

from tasks.core.types import BoolArray, FloatArray, IntArray
from tasks.features.cells import valid_pixels
from tasks.features.definitions.levels import LEVELS, SLACK
from tasks.features.definitions.texture import DIRECTIONS, DISTANCES, GRADIENT, SCIP, STANDARD, STEPS
from tasks.features.plain.cooccurrence import pair_counts, properties

UNPAIRED = (0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""What stands for the six measures of profile ``scip`` where there is no pair."""


def texture(pixels: FloatArray, *, mask: BoolArray) -> FloatArray:
    """Measure co-occurrence and gradient inside a mask.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool.

    Returns
    -------
    FloatArray
        (28,) float64 in the order of `STANDARD`: for each property the mean over the directions at 3 and 5 px, then the
        standard deviation over the directions; then mean, standard deviation, maximum and minimum of the gradient.
        Directions in which a property is not defined (no pair; the correlation of equal levels) are left out, and where
        none is left the result is NaN. All NaN where the mask is empty or holds a pixel that is no number; the
        gradient's NaN where no pixel has its whole neighbourhood in the mask.
    """
    if not mask.any() or not valid_pixels(pixels[mask]).all():
        return np.full(len(STANDARD), np.nan)
    levels = grey_levels(pixels, mask=mask)
    # the axes: distance, direction, property
    values = np.array(
        [
            [
                properties(pair_counts(levels, mask, offset=(distance * down, distance * right)))
                for down, right in DIRECTIONS
            ]
            for distance in DISTANCES
        ]
    )
    # the axes: property, mean or deviation, distance
    table = np.stack(_over_directions(values)).transpose(2, 0, 1)
    return np.concatenate([table.ravel(), gradient(pixels, mask=mask)])


def grey_levels(pixels: FloatArray, *, mask: BoolArray) -> IntArray:
    """Divide the range of the masked pixels into 16 equal grey levels.

    The level is floor(16 (v − min)/(max − min)), the maximum falling into the highest: the fixed bin number of the
    Image Biomarker Standardisation Initiative, less one. It depends neither on the storage nor on the scale of the
    pixels. A region of one value has level 0.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool, not empty.

    Returns
    -------
    IntArray
        (H, W) int64; 0 outside the mask.

    References
    ----------
    Zwanenburg et al. (2020), The Image Biomarker Standardization Initiative, doi:10.1148/radiol.2020191145.
    """
    levels = np.zeros(pixels.shape, dtype=np.int64)
    values = pixels[mask]
    low, high = values.min(), values.max()
    if low < high:
        position = LEVELS * ((values - low) / (high - low))
        levels[mask] = np.minimum(np.floor(position + SLACK), LEVELS - 1).astype(np.int64)
    return levels


def _over_directions(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and population standard deviation over the second axis, missing values left out."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    some = np.where(count > 0, count, 1)
    mean = np.where(known, values, 0.0).sum(axis=1) / some
    deviation = np.where(known, values - mean[:, np.newaxis], 0.0)
    spread = np.sqrt((deviation**2).sum(axis=1) / some)
    return np.where(count > 0, mean, np.nan), np.where(count > 0, spread, np.nan)


def gradient(pixels: FloatArray, *, mask: BoolArray) -> FloatArray:
    """Mean, standard deviation, maximum and minimum of Sobel's gradient where the whole 3×3 lies in the mask."""
    inner = ndi.binary_erosion(mask, structure=np.ones((3, 3), dtype=bool), border_value=0)
    if not inner.any():
        return np.full(len(GRADIENT), np.nan)
    # from the minimum, so that a large common value does not leave its rounding behind
    values = sobel(np.where(mask, pixels - pixels[mask].min(), 0.0))[inner]
    return np.array([values.mean(), values.std(), values.max(), values.min()])


def published_texture(pixels: FloatArray, *, mask: BoolArray) -> FloatArray:
    """Measure co-occurrence and gradient inside a mask; missing pixels count as outside.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool.

    Returns
    -------
    FloatArray
        (28,) float64: for each property mean at 3 and 5 px, then standard deviation at 3 and 5 px; then mean, standard
        deviation, maximum and minimum of the gradient. NaN for an empty mask; the gradient's NaN where no pixel has all
        its neighbours in the mask.
    """
    inside = mask & valid_pixels(pixels)
    if not inside.any():
        return np.full(len(SCIP), np.nan)
    levels = edge_levels(pixels, inside)
    means, deviations = [], []
    for step in STEPS.values():
        # 225° and 315° give the same symmetric counts as 45° and 135°, so two directions stand for four
        both = np.array([_measures(levels, inside, offset=(step, turn * step)) for turn in (1, -1)])
        means.append(both.mean(axis=0))
        deviations.append(both.std(axis=0))
    # the axes: property, mean or deviation, distance
    table = np.stack([np.array(means), np.array(deviations)]).transpose(2, 0, 1)
    return np.concatenate([table.ravel(), _published_gradient(pixels, inside)])


def edge_levels(pixels: FloatArray, inside: BoolArray) -> IntArray:
    """Levels 0 to 15: how many of 16 equidistant edges from minimum to maximum lie below the pixel; 0 outside."""
    values = pixels[inside]
    low, high = values.min(), values.max()
    if low == high:
        low, high = low - 0.5, high + 0.5
    levels = np.zeros(pixels.shape, dtype=np.int64)
    levels[inside] = np.searchsorted(np.linspace(low, high, LEVELS), values, side="left")
    return levels


def _measures(levels: IntArray, inside: BoolArray, *, offset: tuple[int, int]) -> FloatArray:
    """Six measures of one direction, with the original's values where there is no pair or no variance."""
    values = properties(pair_counts(levels, inside, offset=offset))
    return np.where(np.isnan(values), UNPAIRED, values)


def _published_gradient(pixels: FloatArray, inside: BoolArray) -> FloatArray:
    """Summarise the gradient where all 8 neighbours are inside; the pixel itself has no weight and may be outside."""
    neighbours = np.ones((3, 3), dtype=bool)
    neighbours[1, 1] = False
    inner = ndi.minimum_filter(inside.astype(np.uint8), footprint=neighbours, mode="reflect").astype(bool)
    if not inner.any():
        return np.full(len(GRADIENT), np.nan)
    values = sobel(np.where(inside, pixels, 0.0))[inner]
    return np.array([values.mean(), values.std(), values.max(), values.min()])
