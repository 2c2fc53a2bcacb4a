"""Mask ``otsu``: the cell is where the gradient of the local contrast is above Otsu's threshold."""

from typing import Literal

import numpy as np
from pydantic import Field

from tasks.core.types import AnyArray, Batch, BoolArray, FloatArray, Ragged
from tasks.mask.channelwise import is_finite, mask_blocks, mask_each, unit_scale
from tasks.mask.cleaning import clean
from tasks.mask.kernels.blocks import Block
from tasks.mask.kernels.filters import half_kernel
from tasks.mask.kernels.otsu import LEVELS, mask_otsu
from tasks.mask.rank_median import rank_median
from tasks.mask.registry import MaskMethod, masks

RADIUS = 5
"""Of the medians' disk, px."""

SIGMA = 0.5
"""Smoothing before the gradient, px."""


class Otsu(MaskMethod):
    """Gradient of the local contrast above Otsu's threshold."""

    method: Literal["otsu"] = Field(
        default="otsu", description="Gradient of the local contrast above Otsu's threshold; for pixels that are counts."
    )


def otsu_plain(batch: Batch, config: Otsu) -> Ragged:
    """Masks of a batch by the plain code: bool, C channels."""
    del config
    return mask_each(batch, lambda image, _: otsu_mask(image))


@masks.register(Otsu, plain=otsu_plain)
def otsu(batch: Batch, config: Otsu) -> Ragged:
    """Masks of a batch: bool, C channels."""
    del config
    weights = half_kernel(SIGMA)

    def mask(block: Block, out: BoolArray, certain: BoolArray) -> None:
        mask_otsu(block.pixels, block.shapes, len(batch.channels), weights, out, certain)

    return mask_blocks(batch, mask, plain=lambda image, _: otsu_mask(image))


def otsu_mask(image: AnyArray) -> BoolArray:
    """Mask the cell in one channel of a stamp.

    Grey levels → minus their median over a disk of radius 5 → Gaussian(0.5) → Sobel magnitude → scaled to 0 … highest
    grey level and truncated to whole numbers → median over the disk again → pixels above Otsu's threshold (one bin per
    whole number) → holes smaller than a quarter of the stamp are filled → objects of fewer than 20 pixels are dropped.

    The disk is cut by the frame, and of an even count of pixels the upper middle one is the median.

    Parameters
    ----------
    image
        (H, W) pixels of any integer or float dtype.

    Returns
    -------
    BoolArray
        (H, W); empty where the image is constant, where all pixels are from 0 to below 1, or where some are NaN or
        infinite.

    Notes
    -----
    Grey levels are the pixels themselves where they are counts of 0 … 512, and else 1 … 513 (see `grey_levels`). The
    gradient has as many steps as there are levels: the result for pixels of a narrow range, such as 0 to 1, is coarse
    or empty; multiply such images first.

    References
    ----------
    Otsu, A threshold selection method from gray-level histograms, IEEE Transactions on Systems, Man, and Cybernetics
    9(1), 1979; applied to the gradient as in the published system SCIP (bioRxiv 2022.10.24.512549).

    Examples
    --------
    >>> rows, columns = np.mgrid[:40, :40]
    >>> image = (500 * np.exp(-((rows - 20) ** 2 + (columns - 22) ** 2) / 80)).astype(np.uint16)
    >>> mask = otsu_mask(image)
    >>> int(mask.sum()), bool(mask[20, 22])
    (489, True)
    """
    from skimage.filters import gaussian, sobel, threshold_otsu

    nothing = np.zeros(image.shape, dtype=np.bool_)
    if image.size == 0 or not is_finite(image):
        return nothing
    levels = grey_levels(image)
    # A power of two is scaled away at the end, and lets no square overflow.
    contrast, _ = unit_scale(levels - rank_median(levels, radius=RADIUS))
    # The border modes are part of the definition.
    gradient = sobel(gaussian(contrast, sigma=SIGMA, mode="nearest"), mode="reflect")
    lowest, highest, peak = gradient.min(), gradient.max(), levels.max()
    if lowest == highest or peak < 1:
        return nothing
    steps = np.trunc((gradient - lowest) / (highest - lowest) * peak)
    smooth = rank_median(steps, radius=RADIUS).astype(np.uint16)  # of an integer dtype: one bin per whole number
    return clean(smooth > threshold_otsu(smooth), hole_area=image.size / 4)


def grey_levels(image: AnyArray) -> FloatArray:
    """Reduce pixels to the levels 1 … 513, but for those that are levels already.

    Parameters
    ----------
    image
        (H, W) pixels of any integer or float dtype, finite, not empty.

    Returns
    -------
    FloatArray
        (H, W): the pixels as they are where none is above 512 or negative, which says that 0 is not where light begins;
        else how many of the 513 evenly spaced numbers from the lowest to the highest pixel are at most the pixel.

    Examples
    --------
    >>> grey_levels(np.array([[0, 1, 512, 1023, 1024]]))  # numbers 0, 2, 4, … 1024
    array([[  1.,   1., 257., 512., 513.]])
    >>> grey_levels(np.array([[-1024, -1023, -512, -1, 0]]))
    array([[  1.,   1., 257., 512., 513.]])
    >>> grey_levels(np.array([[3, 512]]))
    array([[  3., 512.]])
    """
    pixels = image.astype(np.float64)
    if pixels.min() >= 0 and pixels.max() <= LEVELS:
        return pixels
    # a power of two keeps the range of the largest float64 pixels finite, and that of the smallest divisible
    scaled, _ = unit_scale(pixels)
    edges = np.linspace(scaled.min(), scaled.max(), LEVELS + 1)
    return np.searchsorted(edges, scaled, side="right").astype(np.float64)
