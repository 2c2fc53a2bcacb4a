"""Channel filter ``value_range``: a channel whose brightest and darkest pixel hardly differ shows no cell."""

from typing import Literal

import numpy as np
from pydantic import Field

from tasks.core.types import AnyArray, Batch, BoolArray, FloatArray, IntArray
from tasks.mask.channelwise import is_finite, test_each, test_spread
from tasks.mask.kernels.spread import HIGH, LOW
from tasks.mask.registry import ChannelFilter, channel_filters


class ValueRange(ChannelFilter):
    """Keep channels whose pixels span a wide enough range."""

    method: Literal["value_range"] = Field(
        default="value_range", description="Keep channels whose pixels span a wide enough range."
    )
    threshold: float = Field(
        ge=0,
        allow_inf_nan=False,
        description="A channel is kept where its largest minus its smallest pixel is above this, in units of the "
        "pixels.",
    )


def value_range_plain(batch: Batch, config: ValueRange) -> BoolArray:
    """Test every channel of a batch by the plain code: (N, C) bool."""
    return test_each(batch, lambda image: value_range_passes(image, threshold=config.threshold))


@channel_filters.register(ValueRange, plain=value_range_plain)
def value_range(batch: Batch, config: ValueRange) -> BoolArray:
    """Test every channel of a batch: (N, C) bool."""
    dtype = batch.pixels.flat.dtype
    exact = dtype.kind == "f" or dtype.itemsize < 8

    def passes(measured: FloatArray, sizes: IntArray) -> tuple[BoolArray, BoolArray]:
        del sizes
        difference = measured[..., HIGH] - measured[..., LOW]
        return difference > config.threshold, np.full(difference.shape, exact)

    return test_spread(batch, passes, plain=lambda image: value_range_passes(image, threshold=config.threshold))


def value_range_passes(image: AnyArray, *, threshold: float) -> bool:
    """Whether the pixels of a channel span more than a threshold.

    Parameters
    ----------
    image
        Pixels of any shape and of any integer or float dtype.
    threshold
        In units of the pixels; at least 0.

    Returns
    -------
    bool
        Whether max(x) - min(x) is above the threshold; exact for integers, in float64 for floats. False where pixels
        are NaN or infinite, or there are none.

    Examples
    --------
    >>> image = np.array([[-100, 100]], dtype=np.int8)
    >>> value_range_passes(image, threshold=199.5), value_range_passes(image, threshold=200)
    (True, False)
    """
    if image.size == 0 or not is_finite(image):
        return False
    # Python's numbers neither wrap around nor overflow with a warning.
    largest, smallest = image.max().item(), image.min().item()
    return bool(largest - smallest > threshold)
