"""Granularity spectrum: how much of the signal lies in grains of each size."""

import numpy as np
from skimage.morphology import disk, erosion, reconstruction

from tasks.core.types import BoolArray, FloatArray
from tasks.features.cells import valid_pixels
from tasks.features.definitions.granularity import SCALES

CROSS = disk(1)
"""A pixel and the four beside it: applied r times it is a diamond of radius r."""


def granularity(pixels: FloatArray, *, mask: BoolArray, background: float) -> FloatArray:
    """Measure the granularity spectrum of one region.

    The signal is f = max(v − background, 0) inside the region and 0 outside. With f ⊖ rB its erosion by a diamond of
    radius r and R its reconstruction by dilation under f (4-connected), the element r is
    100·(Σ R(f ⊖ (r−1)B) − Σ R(f ⊖ rB)) / Σ f. The sum over all radii is at most 100; what is missing there lies in
    grains larger than the largest radius.

    CellProfiler measures a whole image, at a quarter of its resolution and less a coarse opening of it, which leaves of
    a single cell a handful of pixels. Here one cell is measured at full resolution, alone: its region on nothing, less
    the background that all features share. What lies beyond the frame counts neither as signal nor as gap.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool; components need not be connected.
    background
        What to subtract.

    Returns
    -------
    FloatArray
        (16,) float64, per cent. All NaN where the mask is empty or holds a pixel that is no number, where the
        background is no number (a region that fills its stamp has none), and where no pixel is above it.

    References
    ----------
    J. Serra, Image Analysis and Mathematical Morphology, 1982; L. Vincent, Morphological grayscale reconstruction in
    image analysis, IEEE Trans. Image Processing 2, 1993.

    Examples
    --------
    >>> pixels = np.zeros((5, 9))
    >>> pixels[1:4, 1:4], pixels[2, 6] = 1, 3  # a square of 9 px, and a brighter pixel
    >>> granularity(pixels, mask=np.ones((5, 9), dtype=bool), background=0.0)[:3]
    array([25., 75.,  0.])
    """
    if not mask.any() or not valid_pixels(pixels[mask]).all() or not abs(background) < np.inf:
        return np.full(SCALES, np.nan)
    signal = np.maximum(np.where(mask, pixels, background) - background, 0.0)
    total = signal.sum()
    if total <= 0:
        return np.full(SCALES, np.nan)
    spectrum = np.zeros(SCALES)
    eroded, before = signal, total
    for scale in range(SCALES):
        eroded = erosion(eroded, CROSS)
        remaining = reconstruction(eroded, signal, footprint=CROSS).sum()
        spectrum[scale] = 100 * (before - remaining) / total
        before = remaining
    return spectrum
