"""Nuclei and other blobs: threshold, then a watershed that parts those that touch."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from tasks.core.types import AnyArray, BoolArray, FloatArray, IntArray, LabelArray
from tasks.segment.foreground import Foreground, Threshold, find_foreground
from tasks.segment.label_images import fill_holes, largest_pieces, quantiles, raster_order, select
from tasks.segment.registry import ObjectMethod, segmenters

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
        "stricter, triangle suits few objects on much background.",
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

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest diameter in pixels."""
        low = self.diameter / 3 if self.min_diameter is None else self.min_diameter
        high = self.diameter * 4 if self.max_diameter is None else self.max_diameter
        return low, high


@segmenters.register(Watershed)
def watershed(
    image: AnyArray, *, labels: Mapping[str, LabelArray], config: Watershed, channels: Sequence[str]
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
        (C, H, W), any integer or float dtype. Pixels that are not finite belong to no object.
    labels
        Ignored: these objects are found by themselves.
    config
        Parameters, lengths in pixels.
    channels
        C names.

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
    plane = image[list(channels).index(config.channel)]
    foreground = find_foreground(
        plane, sigma=config.sigma, threshold=config.threshold, correction=config.threshold_correction
    )
    if foreground is None:
        return np.zeros(plane.shape, dtype=np.int32)
    mask = _bright_areas(foreground, config=config)
    parts = _part(mask, foreground=foreground, config=config)
    parts = _trim(parts, foreground=foreground, fraction=config.rim)
    parts = fill_holes(largest_pieces(parts))
    parts = np.where(foreground.finite, parts, np.int32(0))
    return raster_order(select(parts, keep=_plausible(parts, foreground=foreground, config=config)))


def _bright_areas(foreground: Foreground, *, config: Watershed) -> BoolArray:
    from scipy import ndimage
    from skimage.morphology import remove_small_holes

    mask = foreground.bright
    if config.local_contrast > 0:
        above = foreground.smooth - foreground.background
        mask &= above > config.local_contrast * ndimage.gaussian_filter(above, SURROUNDINGS * config.diameter)
    largest_hole = int(_disc_area(config.diameter / 2))
    return np.asarray(remove_small_holes(mask, max_size=largest_hole), dtype=np.bool_)


def _part(mask: BoolArray, *, foreground: Foreground, config: Watershed) -> LabelArray:
    """Part the areas of a mask; every 4-connected area keeps at least one part."""
    from skimage import segmentation
    from skimage.measure import label

    if config.declump == "none":
        return np.asarray(label(mask, connectivity=1), dtype=np.int32)
    height = _height(mask, foreground=foreground, config=config)
    markers = _clear_peaks(height, mask=mask, neck=config.neck)
    return np.asarray(segmentation.watershed(-height, markers, mask=mask), dtype=np.int32)


def _height(mask: BoolArray, *, foreground: Foreground, config: Watershed) -> FloatArray:
    """(H, W) float64, positive inside the mask: the landscape whose peaks are objects.

    ``shape``: distance to the background, smoothed over diameter/20. ``intensity``: brightness above the background,
    smoothed over diameter/8. ``both``: distance times the square root of that brightness.
    """
    from scipy import ndimage

    distance = np.ones(mask.shape)
    if config.declump != "intensity" and not mask.all():
        distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), config.diameter / 20)
    brightness = np.ones(mask.shape)
    if config.declump != "shape":
        brightness = ndimage.gaussian_filter(foreground.scaled, config.diameter / 8) - foreground.background
    # the floors keep logarithms finite at pixels that are masked only because they were holes
    weighted = np.maximum(distance, 1e-3) * np.maximum(brightness, 1e-6) ** (
        1.0 if config.declump == "intensity" else 0.5
    )
    return np.where(mask, weighted, 0.0)


def _clear_peaks(height: FloatArray, *, mask: BoolArray, neck: float) -> IntArray:
    """Label the maxima of `height` between which it falls below `neck` times the lower one.

    These are the h-maxima of its logarithm with h = −log(neck): a ratio of heights, so large and small, bright and dim
    objects are judged alike. Everything is 4-connected, as the watershed is, so that no area is left without a marker.
    """
    from scipy import ndimage
    from skimage.measure import label
    from skimage.morphology import local_maxima, reconstruction

    if not mask.any():
        return np.zeros(mask.shape, dtype=np.int64)
    drop = -math.log(neck)
    logarithm = np.log(np.where(mask, height, 1.0))
    floor = float(logarithm[mask].min()) - 2 * drop - 1
    logarithm = np.where(mask, logarithm, floor)
    cross = ndimage.generate_binary_structure(2, 1)
    levelled = reconstruction(np.where(mask, logarithm - drop, floor), logarithm, footprint=cross)
    # a rim of floor around the field makes the maximum of a field that is all plateau a maximum, too
    peaks = local_maxima(np.pad(levelled, 1, constant_values=floor), connectivity=1)[1:-1, 1:-1]
    return np.asarray(label(peaks & mask, connectivity=1), dtype=np.int64)


def _trim(parts: LabelArray, *, foreground: Foreground, fraction: float) -> LabelArray:
    """Drop the pixels of each object that are darker than a fraction of its brightness, both above the background."""
    if fraction <= 0:
        return parts
    brightness = quantiles(parts, values=foreground.smooth, q=CORE) - foreground.background
    least = foreground.background + fraction * brightness
    least[0] = np.inf
    return np.where(foreground.smooth > least[parts], parts, np.int32(0))


def _plausible(parts: LabelArray, *, foreground: Foreground, config: Watershed) -> BoolArray:
    """(max + 1,) bool: objects of a plausible size and contrast."""
    areas = np.bincount(parts.ravel(), minlength=int(parts.max(initial=0)) + 1)
    low, high = config.limits
    plausible = (areas > 0) & (areas >= _disc_area(low)) & (areas <= _disc_area(high))
    contrast = quantiles(parts, values=foreground.smooth, q=0.5) - foreground.background
    faint = contrast < config.min_contrast * foreground.noise
    return np.asarray(plausible & ~faint, dtype=np.bool_)


def _disc_area(diameter: float) -> float:
    return math.pi * (diameter / 2) ** 2
