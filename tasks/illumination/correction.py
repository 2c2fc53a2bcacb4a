"""Correction images, and fields divided by them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tasks.core.errors import InputError
from tasks.core.types import AnyArray, FloatArray
from tasks.illumination.config import Estimated, illuminations
from tasks.illumination.sums import FieldSum, check_size

Correction = npt.NDArray[np.float32]
"""(C, H, W): what a field's pixels are divided by."""

DIMMEST = 0.05
"""Of a channel's mean light: where there is no more, a pixel would be multiplied by 20 or more."""


def light_offset(light: FieldSum, *, config: Estimated) -> float:
    """Gray level of no light in a group of fields.

    Left out of the configuration it is 0, but for signed integers one of whose channels has a mean nearer to the
    smallest number of the type: these are counts from there on. Background-subtracted pixels are not.
    """
    if config.offset is not None:
        return config.offset
    return float(light.least) if light.mean().mean(axis=(1, 2)).min() < light.least / 2 else 0.0


def correction_image(
    light: FieldSum, *, config: Estimated, channels: Sequence[str] | None = None, title: str = ""
) -> Correction:
    """Make the correction image of a group of fields: their mean, smoothed, and scaled back to their size bilinearly.

    The mean is that of the light, that is, of pixels minus `light_offset`. With ``rescale: mean`` each channel is
    divided by its mean, so that the mean correction is 1. A channel in which no pixel of any field has light is left
    alone: its correction is 1.

    Parameters
    ----------
    channels, title
        Names of the channels and of the group, for errors.

    Returns
    -------
    (C, H, W) float32.

    Raises
    ------
    InputError
        The smoothed mean light of a channel is anywhere at most a twentieth of its mean, or negative.
    """
    from skimage.transform import resize

    means = light.mean(offset=light_offset(light, config=config))
    names = channels or [f"channel {number}" for number in range(len(means))]
    smooth = np.stack(
        [_smoothed(mean, config=config, name=name, title=title) for mean, name in zip(means, names, strict=True)]
    )
    (height, width), side = light.shape, light.downscale
    if side > 1:
        shape = (smooth.shape[1] * side, smooth.shape[2] * side)
        smooth = np.stack([resize(plane, shape, order=1, mode="reflect", anti_aliasing=False) for plane in smooth])
    return smooth[:, :height, :width].astype(np.float32)


def _smoothed(mean: FloatArray, *, config: Estimated, name: str, title: str) -> FloatArray:
    if not mean.any():
        return np.ones_like(mean)
    smooth: FloatArray = illuminations.function(config)(mean, config)
    level = smooth.mean()
    least = DIMMEST * max(level, 0.0)
    dim = float(np.mean(smooth <= least))
    if dim > 0:
        where = f" of {title}" if title else ""
        raise InputError(
            f"illumination: the mean light of {name}{where} is not clearly positive in {max(dim, 0.001):.1%} of the "
            f"field: got {smooth.min():.4g} to {smooth.max():.4g}, expected more than {least:.4g} "
            f"({DIMMEST:.0%} of its mean) everywhere; set illumination.offset to the gray level of no light (of "
            "background-subtracted images, which have none, take the originals), or leave illumination out"
        )
    return smooth / level if config.rescale == "mean" else smooth


def corrected(image: AnyArray, correction: Correction, *, offset: float = 0.0) -> AnyArray:
    """Divide a field's light, its pixels minus the offset, by its correction image, both (C, H, W).

    Returns
    -------
    float32; float64 of float64 pixels and of integers of more than 16 bits.

    Raises
    ------
    PixelError
        Its pixels are too large to have been added up with the others.
    """
    check_size(image)
    dtype = np.result_type(image.dtype, np.float32)
    return np.divide(np.subtract(image, offset, dtype=dtype) if offset else image, correction, dtype=dtype)
