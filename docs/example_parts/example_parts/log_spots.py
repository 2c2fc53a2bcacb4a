"""Objects ``log_spots``: bright spots of about one size, by the Laplacian of a Gaussian."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from tasks.core.types import AnyArray, LabelArray
from tasks.segment.registry import ObjectMethod, segmenters

ROUNDING = 1e-9
"""Share of the strongest response below which a response is a matter of rounding."""


class LogSpots(ObjectMethod):
    """Bright spots of about one size, such as foci of a nucleus or signals of FISH."""

    method: Literal["log_spots"] = "log_spots"
    channel: str = Field(description="Channel in which the spots are bright.")
    diameter: float = Field(description="Diameter of a spot, in pixels.", ge=1, le=100)
    contrast: float = Field(
        default=5.0, description="Least response of a spot, in robust standard deviations of the field's.", gt=0
    )


@segmenters.register(LogSpots)
def log_spots(
    image: AnyArray, *, labels: Mapping[str, LabelArray], config: LogSpots, channels: Sequence[str]
) -> LabelArray:
    """Label the areas in which the scale-normalised, negative Laplacian of a Gaussian stands out.

    Its standard deviation is diameter / (2·√2), to which a disc of that diameter responds most (T. Lindeberg,
    International Journal of Computer Vision 30, 1998). The response's zero crossing outlines an isolated spot.

    Parameters
    ----------
    image
        (C, H, W), any integer or float dtype. Pixels that are not finite count as the field's median.
    labels
        Ignored: spots are found by themselves.

    Returns
    -------
    (H, W) int32
        4-connected spots in raster order; none where the channel has no contrast.
    """
    from scipy import ndimage

    del labels
    plane = image[list(channels).index(config.channel)].astype(np.float64)
    finite = np.isfinite(plane)
    if not finite.any():
        return np.zeros(plane.shape, dtype=np.int32)
    # less the median, a constant field is exactly 0 and so is its response
    plane = np.where(finite, plane - np.median(plane[finite]), 0.0)
    sigma = config.diameter / (2 * math.sqrt(2))
    response = -(sigma**2) * ndimage.gaussian_laplace(plane, sigma, mode="reflect")
    noise = 1.4826 * np.median(np.abs(response - np.median(response)))
    level = max(config.contrast * noise, ROUNDING * response.max())
    spots, _ = ndimage.label((response > level) & finite, output=np.int32)
    return np.asarray(spots)
