"""Intensity in a region and in its rim, as it is and less the background."""

import numpy as np
from scipy import ndimage as ndi
from skimage.morphology import disk

from tasks.core.types import BoolArray, FloatArray
from tasks.features.cells import valid_pixels
from tasks.features.definitions.intensity import RADIUS, SHIFTED, STANDARD, STATISTICS
from tasks.features.plain.statistics import statistics

_SHIFTED = [STATISTICS.index(name) for name in SHIFTED]


def rim(mask: BoolArray) -> BoolArray:
    """Return the pixels of a region that its erosion by a disk removes.

    Parameters
    ----------
    mask
        (H, W) bool.

    Returns
    -------
    BoolArray
        (H, W) bool. What lies outside the array counts as part of the region, so a region that is cut by the frame has
        no rim along the cut, and one that fills the frame has none at all.
    """
    return np.asarray(mask & ~ndi.binary_erosion(mask, structure=disk(RADIUS), border_value=1), dtype=np.bool_)


def published_intensity(pixels: FloatArray, *, mask: BoolArray, background: float) -> FloatArray:
    """Summarise the mask, the mask less the background, the edge and the edge less the background.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool.
    background
        What to subtract; NaN makes the statistics less the background NaN.

    Returns
    -------
    FloatArray
        (44,) float64; zeros for the views of an empty mask or edge.
    """
    edge = rim(mask)
    views = (pixels[mask], pixels[mask] - background, pixels[edge], pixels[edge] - background)
    return np.concatenate([statistics(view) if view.size else np.zeros(len(STATISTICS)) for view in views])


def intensity(pixels: FloatArray, *, mask: BoolArray, background: float) -> FloatArray:
    """Summarise the region, the region less its background, and both in the rim.

    Only the statistics that a background changes are repeated less the background: spread and form of a distribution do
    not depend on where it lies.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool.
    background
        What to subtract; NaN makes the statistics less the background NaN.

    Returns
    -------
    FloatArray
        (38,) float64 in the order of `STANDARD`: 11 statistics, 7 less the background, 11 of the rim, 7 of the rim less
        the background, the background, and the mass displacement. All NaN where the mask is empty or holds a pixel that
        is no number; those of the rim NaN where that is empty.
    """
    if not mask.any() or not valid_pixels(pixels[mask]).all():
        return np.full(len(STANDARD), np.nan)
    edge = rim(mask)
    return np.concatenate(
        [
            statistics(pixels[mask]),
            statistics(pixels[mask] - background)[_SHIFTED],
            statistics(pixels[edge]),
            statistics(pixels[edge] - background)[_SHIFTED],
            [background, mass_displacement(pixels, mask=mask)],
        ]
    )


def mass_displacement(pixels: FloatArray, *, mask: BoolArray) -> float:
    """Distance in pixels from the centroid of a region to its centroid weighted by intensity.

    |Σ v (x − x̄)| / Σ v over the pixels x of the region with values v; NaN where Σ v is not positive, for then the
    weights have no centre.

    Examples
    --------
    >>> mass_displacement(np.array([[1.0, 3.0]]), mask=np.array([[True, True]]))
    0.25
    """
    weights = pixels[mask]
    total = weights.sum()
    if total <= 0:
        return float("nan")
    positions = np.argwhere(mask) - np.argwhere(mask).mean(axis=0)
    return float(np.hypot(*(weights @ positions / total)))
