"""Bright areas: a threshold and nothing else."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from tasks.core.types import AnyArray, BoolArray, LabelArray
from tasks.segment.foreground import Threshold as Automatic
from tasks.segment.foreground import find_foreground
from tasks.segment.label_images import fill_holes, raster_order, select
from tasks.segment.registry import ObjectMethod, segmenters


class Threshold(ObjectMethod):
    """Areas above a threshold, each an object; those that touch are one."""

    method: Literal["threshold"] = "threshold"
    channel: str = Field(description="Channel in which the objects are bright.")
    threshold: Automatic | Annotated[float, Field(allow_inf_nan=False)] = Field(
        default="otsu",
        description="How the level between dark and bright is found; or that level itself, as a value of the pixels.",
    )
    threshold_correction: float = Field(
        default=1.0,
        gt=0,
        le=10,
        description="Factor on the height of the threshold above the background; below 1 gives larger objects. A level "
        "that is given is left as it is.",
    )
    sigma: float = Field(default=1.0, ge=0, description="Gaussian smoothing before the threshold, in pixels.")
    holes: Literal["fill", "keep"] = Field(default="fill", description="Whether holes in an object are filled.")
    min_diameter: float = Field(
        default=0.0, ge=0, description="Objects smaller than a disc of this diameter are dropped; in pixels."
    )
    max_diameter: float | None = Field(
        default=None, gt=0, description="Objects larger than a disc of this diameter are dropped; default none."
    )

    @model_validator(mode="after")
    def _check_diameters(self) -> Self:
        if self.max_diameter is not None and self.max_diameter < self.min_diameter:
            raise ValueError(
                f"got min_diameter {self.min_diameter:g} and max_diameter {self.max_diameter:g}, expected them to rise"
            )
        return self


@segmenters.register(Threshold)
def threshold(
    image: AnyArray, *, labels: Mapping[str, LabelArray], config: Threshold, channels: Sequence[str]
) -> LabelArray:
    """Label the connected areas above a threshold.

    Parameters
    ----------
    image
        (C, H, W), any integer or float dtype. Pixels that are not finite are in no object.
    labels
        Ignored: objects are found without others.
    config
        Parameters, lengths in pixels.
    channels
        C names.

    Returns
    -------
    (H, W) int32
        4-connected objects in raster order. None where the channel has no contrast, unless the level is given.

    Examples
    --------
    >>> image = np.array([[[0, 9, 9, 0, 9, 0, 9]]])
    >>> config = Threshold(name="spot", channel="DNA", threshold=5, sigma=0, min_diameter=1.2)
    >>> threshold(image, labels={}, config=config, channels=["DNA"])
    array([[0, 1, 1, 0, 0, 0, 0]], dtype=int32)
    """
    from skimage.measure import label

    del labels
    parts = np.asarray(label(_bright(image[list(channels).index(config.channel)], config), connectivity=1), np.int32)
    if config.holes == "fill":
        parts = fill_holes(parts)
    areas = np.bincount(parts.ravel())
    largest = math.inf if config.max_diameter is None else _disc_area(config.max_diameter)
    return raster_order(select(parts, keep=(areas >= _disc_area(config.min_diameter)) & (areas <= largest)))


def _bright(plane: AnyArray, config: Threshold) -> BoolArray:
    """(H, W) bool: pixels above the threshold."""
    from scipy import ndimage

    if isinstance(config.threshold, str):
        foreground = find_foreground(
            plane, sigma=config.sigma, threshold=config.threshold, correction=config.threshold_correction
        )
        return np.zeros(plane.shape, dtype=np.bool_) if foreground is None else foreground.bright
    values = np.asarray(plane, dtype=np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        values = np.where(finite, values, values[finite].min(initial=config.threshold))
    smooth = ndimage.gaussian_filter(values, config.sigma) if config.sigma > 0 else values
    return np.asarray((smooth > config.threshold) & finite, dtype=np.bool_)


def _disc_area(diameter: float) -> float:
    return math.pi * (diameter / 2) ** 2
