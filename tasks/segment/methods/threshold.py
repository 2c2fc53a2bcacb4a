"""Bright areas: a threshold and nothing else."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from tasks.core.gpus import cupy_obstacle
from tasks.core.registry import Device
from tasks.core.types import AnyArray, FloatArray, LabelArray
from tasks.segment import plain
from tasks.segment.foreground import Threshold as Automatic
from tasks.segment.foreground import find_foreground
from tasks.segment.operations import Labels, Mask, Operations
from tasks.segment.placing import on_device, operations_for
from tasks.segment.registry import ObjectMethod, segmenters
from tasks.segment.rehearsal import rehearse


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
    window: float = Field(
        default=200.0,
        gt=0,
        description="For threshold: local: side in pixels of the surroundings with which a pixel is compared.",
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

    def load(self, *, device: Device) -> None:
        """Compile what finds objects on a GPU."""
        rehearse(self, device=device)


def threshold_plain(
    image: AnyArray, *, labels: Mapping[str, LabelArray], config: Threshold, channels: Sequence[str]
) -> LabelArray:
    """Label the connected areas above a threshold by the plain code."""
    del labels
    return find_areas(image[list(channels).index(config.channel)], config=config, operations=plain)


@segmenters.register(Threshold, plain=threshold_plain, gpu=cupy_obstacle)
def threshold(
    image: AnyArray,
    *,
    labels: Mapping[str, LabelArray],
    config: Threshold,
    channels: Sequence[str],
    device: Device = "cpu",
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
    device
        Where the objects are found, and labels lie.

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
    del labels
    plane = on_device(image[list(channels).index(config.channel)], device=device)
    return find_areas(plane, config=config, operations=operations_for(plane))


def find_areas(plane: AnyArray, *, config: Threshold, operations: Operations) -> Labels:
    """Find the objects of `threshold` in its channel, by the operations of a device."""
    parts = operations.label(_bright(plane, config=config, operations=operations))
    if config.holes == "fill":
        parts = operations.fill_holes(parts)
    areas = operations.areas(parts)
    largest = math.inf if config.max_diameter is None else _disc_area(config.max_diameter)
    keep = (areas >= _disc_area(config.min_diameter)) & (areas <= largest)
    return operations.raster_order(parts, keep=keep)


def _bright(plane: AnyArray, *, config: Threshold, operations: Operations) -> Mask:
    """(H, W) bool: pixels above the threshold."""
    xp = operations.xp
    if isinstance(config.threshold, str):
        foreground = find_foreground(
            plane,
            sigma=config.sigma,
            threshold=config.threshold,
            window=config.window,
            correction=config.threshold_correction,
            operations=operations,
        )
        nothing: Mask = xp.zeros(plane.shape, dtype=np.bool_)
        return nothing if foreground is None else foreground.bright
    values: FloatArray = plane.astype(np.float64)
    finite: Mask = xp.isfinite(values)
    if config.sigma == 0:
        return (values > config.threshold) & finite
    if (scaling := operations.scale(plane)) is None:  # all that is finite is equal
        return (values > config.threshold) & finite
    low, high = float(values[finite].min()), float(values[finite].max())
    smooth = operations.gaussian(scaling[0], sigma=config.sigma)
    return (smooth > (config.threshold / 2 - low / 2) / (high / 2 - low / 2)) & finite


def _disc_area(diameter: float) -> float:
    return math.pi * (diameter / 2) ** 2
