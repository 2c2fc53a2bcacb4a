"""Nuclei and other blobs: threshold, then a watershed that parts those that touch."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from tasks.core.gpus import cupy_obstacle
from tasks.core.registry import Device
from tasks.core.types import AnyArray, BoolArray, LabelArray
from tasks.segment import plain
from tasks.segment.foreground import Foreground, Threshold, find_foreground
from tasks.segment.operations import Image, Labels, Mask, Operations
from tasks.segment.placing import on_device, operations_for
from tasks.segment.registry import ObjectMethod, segmenters
from tasks.segment.rehearsal import rehearse

Declump = Literal["both", "shape", "intensity", "none"]

SURROUNDINGS = 2 / 3
"""Standard deviation, in diameters, of the Gaussian that tells how bright the surroundings of a pixel are."""

CORE = 0.9
"""Quantile of an object's pixels that tells how bright it is: little moved by a halo, nor by single bright spots."""


class Watershed(ObjectMethod):
    """Bright blobs of roughly known size, such as nuclei."""

    method: Literal["watershed"] = "watershed"
    channel: str = Field(description="Channel in which the objects are bright.")
    diameter: float = Field(
        default=20.0, gt=0, description="Typical diameter in pixels; sets the scale of everything left out below."
    )
    sigma: float = Field(default=1.0, ge=0, description="Gaussian smoothing before the threshold, in pixels.")
    threshold: Threshold = Field(
        default="li",
        description="How the level between dark and bright is found: li finds dim objects beside bright ones, otsu is "
        "stricter, triangle suits few objects on much background, local follows an uneven background.",
    )
    window: float | None = Field(
        default=None,
        gt=0,
        description="For threshold: local: side in pixels of the surroundings with which a pixel is compared; default "
        "10·diameter.",
    )
    threshold_correction: float = Field(
        default=1.0,
        gt=0,
        le=10,
        description="Factor on the height of the threshold above the background; below 1 finds dimmer objects.",
    )
    local_contrast: float = Field(
        default=0.8,
        ge=0,
        le=2,
        description="A pixel must also exceed this fraction of the mean of its surroundings (a Gaussian of two thirds "
        "of a diameter), both above the background; opens the gaps of crowded fields. 0: off.",
    )
    rim: float = Field(
        default=0.3,
        ge=0,
        lt=1,
        description="A pixel must also exceed this fraction of the brightness (90 % quantile) of its own object, both "
        "above the background; trims the halo of very bright objects. 0: off.",
    )
    declump: Declump = Field(
        default="both",
        description="What parts objects that touch: shape (a waist), intensity (a darker line), both, or none.",
    )
    neck: float = Field(
        default=0.93,
        gt=0,
        lt=1,
        description="Two peaks are two objects where the pass between them is lower than this fraction of the lower "
        "peak; higher parts more.",
    )
    min_contrast: float = Field(
        default=2.0,
        ge=0,
        description="An object's median must lie this many standard deviations of the noise of single pixels above the "
        "background, so that a field without cells gives none. 0: off.",
    )
    min_diameter: float | None = Field(
        default=None, ge=0, description="Objects smaller than a disc of this diameter are dropped; default diameter/3."
    )
    max_diameter: float | None = Field(
        default=None, gt=0, description="Objects larger than a disc of this diameter are dropped; default 4·diameter."
    )

    @model_validator(mode="after")
    def _check_diameters(self) -> Self:
        low, high = self.limits
        if not low <= self.diameter <= high:
            raise ValueError(
                f"got min_diameter {low:g}, diameter {self.diameter:g}, max_diameter {high:g}; expected them to ascend"
            )
        return self

    def load(self, *, device: Device) -> None:
        """Compile what finds objects on a GPU."""
        rehearse(self, device=device)

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest diameter in pixels."""
        low = self.diameter / 3 if self.min_diameter is None else self.min_diameter
        high = self.diameter * 4 if self.max_diameter is None else self.max_diameter
        return low, high


def watershed_plain(
    image: AnyArray, *, labels: Mapping[str, LabelArray], config: Watershed, channels: Sequence[str]
) -> LabelArray:
    """Find bright blobs by the plain code."""
    del labels
    return find_blobs(image[list(channels).index(config.channel)], config=config, operations=plain)


@segmenters.register(Watershed, plain=watershed_plain, gpu=cupy_obstacle)
def watershed(
    image: AnyArray,
    *,
    labels: Mapping[str, LabelArray],
    config: Watershed,
    channels: Sequence[str],
    device: Device = "cpu",
) -> LabelArray:
    """Find bright blobs.

    1. Pixels above a global threshold of the smoothed channel, and above a fraction of their surroundings; holes
       smaller than a disc of half a diameter are filled.
    2. Each such area is parted by a watershed on its `height` from the peaks that stand clear of each other.
    3. Each part is trimmed at a fraction of its own brightness and reduced to its largest 4-connected piece; its holes
       are filled.
    4. Parts that are too small, too large, or too faint against the noise of the background are dropped.

    Parameters
    ----------
    image
        (C, H, W), any integer or float dtype, in the memory of the host. Pixels that are not finite belong to no
        object.
    labels
        Ignored: these objects are found by themselves.
    config
        Parameters, lengths in pixels.
    channels
        C names.
    device
        Where the objects are found, and labels lie.

    Returns
    -------
    (H, W) int32
        1..K in raster order of first pixels; zeros where the channel is constant or holds no finite value.

    Examples
    --------
    >>> rows, columns = np.mgrid[:40, :60]
    >>> discs = [(rows - 20) ** 2 + (columns - centre) ** 2 < 100 for centre in (20, 38)]
    >>> image = 50.0 * (discs[0] | discs[1])[np.newaxis]
    >>> int(watershed(image, labels={}, config=Watershed(name="nucleus", channel="DNA"), channels=["DNA"]).max())
    2
    """
    del labels
    plane = on_device(image[list(channels).index(config.channel)], device=device)
    return find_blobs(plane, config=config, operations=operations_for(plane))


def find_blobs(plane: AnyArray, *, config: Watershed, operations: Operations) -> Labels:
    """Find the objects of `watershed` in its channel, by the operations of a device."""
    foreground = find_foreground(
        plane,
        sigma=config.sigma,
        threshold=config.threshold,
        window=10 * config.diameter if config.window is None else config.window,
        correction=config.threshold_correction,
        operations=operations,
    )
    if foreground is None:
        none: Labels = operations.xp.zeros(plane.shape, dtype=np.int32)
        return none
    mask = _bright_areas(foreground, config=config, operations=operations)
    parts = _part(mask, foreground=foreground, config=config, operations=operations)
    if config.rim > 0:
        brightness = operations.quantiles(parts, image=foreground.smooth, q=CORE) - foreground.background
        least = foreground.background + config.rim * brightness
        parts = operations.keep_above(parts, image=foreground.smooth, least=least)
    parts = operations.fill_holes(operations.largest_pieces(parts))
    if foreground.finite is not None:
        parts = parts * foreground.finite
    keep = _plausible(parts, foreground=foreground, config=config, operations=operations)
    return operations.raster_order(parts, keep=keep)


def _bright_areas(foreground: Foreground, *, config: Watershed, operations: Operations) -> Mask:
    mask = foreground.bright
    if config.local_contrast > 0:
        least = operations.gaussian(foreground.smooth, sigma=SURROUNDINGS * config.diameter)
        least = (least - foreground.background) * config.local_contrast + foreground.background
        mask &= foreground.smooth > least
    return operations.remove_small_holes(mask, area=int(_disc_area(config.diameter / 2)))


def _part(mask: Mask, *, foreground: Foreground, config: Watershed, operations: Operations) -> Labels:
    """Part the areas of a mask; every 4-connected area keeps at least one part."""
    if config.declump == "none":
        return operations.label(mask)
    height = _height(mask, foreground=foreground, config=config, operations=operations)
    markers = operations.peaks(height, mask=mask, neck=config.neck)
    return operations.flood(-height, markers=markers, mask=mask)


def _height(mask: Mask, *, foreground: Foreground, config: Watershed, operations: Operations) -> Image:
    """(H, W) float32, positive: the landscape whose peaks inside the mask are objects.

    ``shape``: distance to the background, smoothed over diameter/20. ``intensity``: brightness above the background,
    smoothed over diameter/8. ``both``: distance times the square root of that brightness.
    """
    xp = operations.xp
    height: Image = xp.ones(mask.shape, dtype=np.float32)
    # the floors keep the ratio of two heights finite at pixels that are masked only because they were holes
    if config.declump != "intensity" and not mask.all():
        height = operations.gaussian(operations.distance(mask), sigma=config.diameter / 20).clip(1e-3)
    if config.declump != "shape":
        smooth = operations.gaussian(foreground.scaled, sigma=config.diameter / 8)
        brightness = (smooth - foreground.background).clip(1e-6)
        height *= brightness if config.declump == "intensity" else xp.sqrt(brightness)
    return height


def _plausible(parts: Labels, *, foreground: Foreground, config: Watershed, operations: Operations) -> BoolArray:
    """(max + 1,) bool: objects of a plausible size and contrast."""
    areas = operations.areas(parts)
    low, high = config.limits
    plausible = (areas > 0) & (areas >= _disc_area(low)) & (areas <= _disc_area(high))
    if config.min_contrast > 0 and plausible[1:].any():
        contrast = operations.quantiles(parts, image=foreground.smooth, q=0.5) - foreground.background
        noise = operations.noise(foreground.scaled, mask=foreground.dark)
        plausible &= ~(contrast < config.min_contrast * noise)
    return np.asarray(plausible, dtype=np.bool_)


def _disc_area(diameter: float) -> float:
    return math.pi * (diameter / 2) ** 2
