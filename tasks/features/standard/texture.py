"""Texture inside a region: co-occurrence of grey levels in four directions, and the gradient."""

import numpy as np
from scipy import ndimage as ndi
from skimage.filters import sobel

from tasks.core.columns import Column
from tasks.core.types import Batch, BoolArray, FloatArray, IntArray, Region
from tasks.features.cells import cells, check_fit, usable
from tasks.features.cooccurrence import LEVELS, PROPERTIES, pair_counts, properties
from tasks.features.family import RegionInfo, register
from tasks.features.kernels.stacks import stacks
from tasks.features.kernels.texture import measure_texture
from tasks.features.texture_terms import GRADIENT, SLACK, cooccurrence_term, gradient_terms

FAMILY = "texture"

DISTANCES = (3, 5)

DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""Rows and columns of a step: right, down right, down, down left."""

TERMS = (
    *(
        cooccurrence_term(
            name=name,
            stat=f"{name}{suffix}",
            scip="",
            distance=distance,
            over=over,
            pairs=(
                "pairs of pixels of the region at the offsets "
                f"(0, {distance}), ({distance}, {distance}), ({distance}, 0), ({distance}, -{distance})"
            ),
        )
        for name in PROPERTIES
        for suffix, over in (("", "Mean"), ("_std", "Standard deviation"))
        for distance in DISTANCES
    ),
    *gradient_terms(place="the pixels whose whole 3x3 neighbourhood lies in the region"),
)


_OFFSETS = np.array([[(d * down, d * right) for down, right in DIRECTIONS] for d in DISTANCES], dtype=np.int64)
_REACH = int(_OFFSETS.max())


def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
    """28 columns per channel."""
    return tuple(
        term.column(family=FAMILY, region=region, channels=(channel,)) for channel in channels for term in TERMS
    )


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure the texture of each channel in plain code; (N, 28·C) float64."""
    rows = [
        np.concatenate(
            [texture(pixels, mask=cell.masks[cell.plane(channel)]) for channel, pixels in enumerate(cell.pixels)]
        )
        for cell in cells(batch, region)
    ]
    return np.array(rows, dtype=np.float64).reshape(len(batch), len(batch.channels) * len(TERMS))


@register(name=FAMILY, profile="standard", columns=columns, plain=measure_plain)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the texture of each channel; (N, 28·C) float64."""
    check_fit(batch, region)
    found = np.empty((len(batch), len(batch.channels) * len(TERMS)))
    for stack in stacks(batch, region):
        measure_texture(
            stack.counts,
            stack.reals,
            stack.masks,
            stack.shapes,
            region.masks.planes,
            len(batch.channels),
            _OFFSETS,
            _REACH,
            False,  # noqa: FBT003 - this profile's definitions
            found[stack.cells],
        )
    return found


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
        (28,) float64 in the order of `TERMS`: for each property the mean over the directions at 3 and 5 px, then the
        standard deviation over the directions; then mean, standard deviation, maximum and minimum of the gradient.
        Directions in which a property is not defined (no pair; the correlation of equal levels) are left out, and where
        none is left the result is NaN. All NaN where the mask is empty or holds a pixel that is no number; the
        gradient's NaN where no pixel has its whole neighbourhood in the mask.
    """
    if not mask.any() or not usable(pixels[mask]).all():
        return np.full(len(TERMS), np.nan)
    levels = grey_levels(pixels, mask=mask)
    # the axes: distance, direction, property
    found = np.array(
        [
            [
                properties(pair_counts(levels, mask, offset=(distance * down, distance * right)))
                for down, right in DIRECTIONS
            ]
            for distance in DISTANCES
        ]
    )
    # the axes: property, mean or deviation, distance
    table = np.stack(_over_directions(found)).transpose(2, 0, 1)
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


def _over_directions(found: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and population standard deviation over the second axis, missing values left out."""
    known = ~np.isnan(found)
    count = known.sum(axis=1)
    some = np.where(count > 0, count, 1)
    mean = np.where(known, found, 0.0).sum(axis=1) / some
    deviation = np.where(known, found - mean[:, np.newaxis], 0.0)
    spread = np.sqrt((deviation**2).sum(axis=1) / some)
    return np.where(count > 0, mean, np.nan), np.where(count > 0, spread, np.nan)


def gradient(pixels: FloatArray, *, mask: BoolArray) -> FloatArray:
    """Mean, standard deviation, maximum and minimum of Sobel's gradient where the whole 3×3 lies in the mask."""
    whole = ndi.binary_erosion(mask, structure=np.ones((3, 3), dtype=bool), border_value=0)
    if not whole.any():
        return np.full(len(GRADIENT), np.nan)
    # from the minimum, so that a large common value does not leave its rounding behind
    values = sobel(np.where(mask, pixels - pixels[mask].min(), 0.0))[whole]
    return np.array([values.mean(), values.std(), values.max(), values.min()])
