"""Correction images, and fields divided by them."""

import numpy as np
import numpy.typing as npt
from skimage.transform import resize

from tasks.core.types import AnyArray, FloatArray
from tasks.illumination.config import Estimated, illuminations
from tasks.illumination.sums import LightSum, check_size

Correction = npt.NDArray[np.float32]
"""(C, H, W): what a field's pixels are divided by."""


def correction_image(light: LightSum, *, config: Estimated) -> Correction:
    """Make the correction image of a group of fields: their mean, smoothed, and scaled back to their size bilinearly.

    With ``rescale: mean`` each channel is divided by its mean, so that the mean correction is 1. Where the smoothed
    mean is not positive (a channel without light) the correction is 1, which changes nothing.

    Returns
    -------
    (C, H, W) float32.
    """
    smooth = np.stack([_smoothed(plane, config=config) for plane in light.mean()])
    (height, width), side = light.shape, light.downscale
    if side > 1:
        shape = (smooth.shape[1] * side, smooth.shape[2] * side)
        smooth = np.stack([resize(plane, shape, order=1, mode="reflect", anti_aliasing=False) for plane in smooth])
    return smooth[:, :height, :width].astype(np.float32)


def _smoothed(mean: FloatArray, *, config: Estimated) -> FloatArray:
    smooth: FloatArray = illuminations.function(config)(mean, config)
    lit = smooth > 0
    if config.rescale == "mean" and lit.any():
        smooth = smooth / smooth[lit].mean()
    return np.where(lit, smooth, 1.0)


def corrected(image: AnyArray, correction: Correction) -> AnyArray:
    """Divide a field by its correction image, both (C, H, W).

    Returns
    -------
    float32; float64 of float64 pixels and of integers of more than 16 bits.

    Raises
    ------
    PixelError
        Its pixels are too large to have been added up with the others.
    """
    check_size(image)
    return np.divide(image, correction, dtype=np.result_type(image.dtype, np.float32))
