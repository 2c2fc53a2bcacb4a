"""Mask ``li``: the cell is where the smoothed gradient is above Li's threshold."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from tasks.core.per_channel import PerChannel, shorthand
from tasks.core.types import AnyArray, Batch, BoolArray, FloatArray, IntArray, Ragged
from tasks.mask.channelwise import is_finite, mask_blocks, mask_each, unit_range
from tasks.mask.cleaning import clean
from tasks.mask.kernels.blocks import Block
from tasks.mask.kernels.filters import half_kernel
from tasks.mask.kernels.li import mask_li
from tasks.mask.registry import MaskMethod, masks

SIGMA = 0.5
"""Default smoothing, px."""

Sigma = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Li(MaskMethod):
    """Smoothed gradient above Li's minimum cross-entropy threshold."""

    method: Literal["li"] = Field(default="li", description="Smoothed gradient above Li's threshold.")
    sigma: Annotated[PerChannel[Sigma], shorthand(default=SIGMA)] = Field(
        default=PerChannel[Sigma](default=SIGMA),
        description="Smoothing before the gradient (twice as much after it), standard deviation in pixels; 0: none. "
        "One number, or one per channel.",
    )


def li_plain(batch: Batch, config: Li) -> Ragged:
    """Masks of a batch by the plain code: bool, C channels."""
    return mask_each(batch, lambda image, channel: li_mask(image, sigma=config.sigma.of(channel)))


@masks.register(Li, plain=li_plain)
def li(batch: Batch, config: Li) -> Ragged:
    """Masks of a batch: bool, C channels."""
    sigmas = [config.sigma.of(channel) for channel in batch.channels]
    weights, radii = half_kernels([sigmas, [2 * sigma for sigma in sigmas]])

    def mask(block: Block, out: BoolArray, certain: BoolArray) -> None:
        mask_li(block.pixels, block.shapes, len(sigmas), weights, radii, out, certain)

    return mask_blocks(batch, mask, plain=lambda image, channel: li_mask(image, sigma=config.sigma.of(channel)))


def half_kernels(sigmas: Sequence[Sequence[float]]) -> tuple[FloatArray, IntArray]:
    """Gaussians of several filters and channels, as `mask_li` takes them: half kernels, and radii; no filter: −1."""
    kernels = [[half_kernel(sigma) for sigma in some] for some in sigmas]
    radii = np.array(
        [
            [len(kernel) - 1 if sigma > 0 else -1 for kernel, sigma in zip(*pair, strict=True)]
            for pair in zip(kernels, sigmas, strict=True)
        ],
        dtype=np.int64,
    )
    weights = np.zeros((*radii.shape, int(radii.max(initial=0)) + 1))
    for filter_, some in enumerate(kernels):
        for channel, kernel in enumerate(some):
            weights[filter_, channel, : len(kernel)] = kernel
    return weights, radii


def li_mask(image: AnyArray, *, sigma: float = SIGMA) -> BoolArray:
    """Mask the cell in one channel of a stamp.

    Gaussian(sigma) → Sobel magnitude → Gaussian(2·sigma) → pixels above Li's threshold → holes smaller than a quarter
    of the stamp are filled → objects of fewer than 20 pixels are dropped.

    Parameters
    ----------
    image
        (H, W) pixels of any integer or float dtype.
    sigma
        Standard deviation of the first Gaussian, px; 0: no smoothing.

    Returns
    -------
    BoolArray
        (H, W); empty where the image is constant, has NaN or infinite pixels, or is smaller than an object may be.

    Notes
    -----
    Adding a constant to integer pixels, or scaling them by a power of two, leaves the mask as it is.

    References
    ----------
    Li and Lee, Minimum cross entropy thresholding, Pattern Recognition 26(4), 1993; Li and Tam, An iterative algorithm
    for minimum cross entropy thresholding, Pattern Recognition Letters 18(8), 1998; applied to the gradient as in the
    published system SCIP (bioRxiv 2022.10.24.512549).

    Examples
    --------
    >>> image = np.zeros((30, 30), dtype=np.uint16)
    >>> image[8:20, 10:22] = 500
    >>> mask = li_mask(image, sigma=0.5)
    >>> int(mask.sum()), bool(mask[14, 16])
    (252, True)
    """
    from skimage.filters import gaussian, sobel, threshold_li

    if image.size == 0 or not is_finite(image):
        return np.zeros(image.shape, dtype=np.bool_)
    # The border modes are part of the definition: the rim of the mask depends on them.
    smooth = gaussian(unit_range(image), sigma=sigma, mode="nearest") if sigma > 0 else unit_range(image)
    gradient = sobel(smooth, mode="reflect")
    if sigma > 0:
        gradient = gaussian(gradient, sigma=2 * sigma, mode="nearest")
    return clean(gradient > threshold_li(gradient), hole_area=image.size / 4)
