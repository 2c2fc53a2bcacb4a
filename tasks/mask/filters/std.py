"""Channel filter ``std``: a channel whose pixels hardly differ shows no cell."""

import math
from typing import Literal

import numpy as np
from pydantic import Field

from tasks.core.types import AnyArray, Batch, BoolArray, FloatArray, IntArray
from tasks.mask.channelwise import is_finite, test_each, test_spread, unit_scale
from tasks.mask.kernels.spread import EXPONENT, HIGH, LOW, SECOND
from tasks.mask.registry import ChannelFilter, channel_filters

ROUNDING = 1e-9
"""A deviation that differs from the threshold by less, relatively, is computed in the plain way."""


class Std(ChannelFilter):
    """Keep channels whose pixels vary enough."""

    method: Literal["std"] = Field(default="std", description="Keep channels whose pixels vary enough.")
    threshold: float = Field(
        ge=0,
        allow_inf_nan=False,
        description="A channel is kept where the standard deviation of its pixels is above this, in units of the "
        "pixels.",
    )


def std_plain(batch: Batch, config: Std) -> BoolArray:
    """Test every channel of a batch by the plain code: (N, C) bool."""
    return test_each(batch, lambda image: std_passes(image, threshold=config.threshold))


@channel_filters.register(Std, plain=std_plain)
def std(batch: Batch, config: Std) -> BoolArray:
    """Test every channel of a batch: (N, C) bool."""

    def passes(measured: FloatArray, sizes: IntArray) -> tuple[BoolArray, BoolArray]:
        del sizes
        deviation = np.ldexp(np.sqrt(measured[..., SECOND]), np.nan_to_num(measured[..., EXPONENT]).astype(np.int64))
        constant = measured[..., LOW] == measured[..., HIGH]
        sure = np.isfinite(deviation) & (np.abs(deviation - config.threshold) > ROUNDING * deviation)
        return (deviation > config.threshold) & ~constant, sure | constant

    return test_spread(batch, passes, plain=lambda image: std_passes(image, threshold=config.threshold))


def std_passes(image: AnyArray, *, threshold: float) -> bool:
    """Whether the pixels of a channel vary by more than a threshold.

    Parameters
    ----------
    image
        Pixels of any shape and of any integer or float dtype.
    threshold
        In units of the pixels; at least 0.

    Returns
    -------
    bool
        Whether the population standard deviation sqrt(mean((x - mean(x))²)), in float64, is above the threshold. False
        where the pixels are constant, or some are NaN or infinite, or there are none.

    Examples
    --------
    >>> image = np.array([[1, 5], [5, 1]], dtype=np.uint16)  # mean 3, every pixel 2 away from it
    >>> std_passes(image, threshold=1.9), std_passes(image, threshold=2)
    (True, False)
    """
    if image.size == 0 or not is_finite(image) or bool(np.all(image == image.flat[0])):
        return False  # a constant's deviation is 0, whereas its computed one need not be
    scaled, exponent = unit_scale(image)
    return math.ldexp(float(np.std(scaled)), exponent) > threshold
