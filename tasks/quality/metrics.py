"""Quality metrics: cheap numbers of a plane of pixels and of the region in it, measured before features."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import label, regionprops

from tasks.core.exact.sums import exact_total
from tasks.core.types import AnyArray, BoolArray

NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a metric looks at.

    Parameters
    ----------
    pixels
        (H, W), of any type.
    mask
        (H, W) bool: the region, or the whole frame.
    background
        Mean of the pixels outside, NaN where there is none.
    """

    pixels: AnyArray
    mask: BoolArray
    background: float = NAN

    @property
    def inside(self) -> AnyArray:
        """Pixels of the region."""
        return self.pixels[self.mask]


Metric = Callable[[View], float]
"""NaN where the region is empty, or the metric is not defined."""


def pixel_sum(view: View) -> float:
    """Sum of the pixels, in the image's intensity unit. Of integers it is rounded once."""
    inside = view.inside
    return float(_total(inside)) if inside.size else NAN


def pixel_mean(view: View) -> float:
    """Mean of the pixels, in the image's intensity unit. Of integers it is rounded once."""
    inside = view.inside
    return _total(inside) / inside.size if inside.size else NAN


def pixel_max(view: View) -> float:
    """Largest pixel."""
    inside = view.inside
    return float(inside.max()) if inside.size else NAN


def pixel_std(view: View) -> float:
    """Return the population standard deviation of the pixels."""
    inside = view.inside
    return float(inside.std(dtype=np.float64)) if inside.size else NAN


def percentile(p: float) -> Metric:
    """Make the metric of the p-th percentile of the pixels, interpolated linearly."""

    def metric(view: View) -> float:
        inside = view.inside
        return float(np.percentile(inside.astype(np.float64), p)) if inside.size else NAN

    return metric


BIT_DEPTHS = (8, 10, 12, 14, 16, 32)
"""Cameras' bits per pixel."""


def saturated(view: View) -> float:
    """Share of the pixels at the detector's limit.

    The limit is the largest number of 8, 10, 12, 14, 16 or 32 bits that the whole frame does not exceed, 1 for floats
    of at most 1: cameras of 12 bits write 16-bit files.
    """
    inside = view.inside
    if not inside.size:
        return NAN
    highest = float(view.pixels.max())
    if view.pixels.dtype.kind == "f" and highest <= 1:
        return float((inside == 1).mean())
    limit = next((2**bits - 1 for bits in BIT_DEPTHS if highest <= 2**bits - 1), None)
    return 0.0 if limit is None else float((inside == limit).mean())


def signal_to_background(view: View) -> float:
    """Mean of the region divided by the mean outside; NaN where the background is not positive."""
    return pixel_mean(view) / view.background if view.background > 0 else NAN


def laplacian_variance(view: View) -> float:
    """Variance of the Laplacian (4 neighbours, reflected border) over the region: low where the image is blurred.

    References
    ----------
    Pech-Pacheco et al. (2000), Diatom autofocusing in brightfield microscopy, doi:10.1109/ICPR.2000.903548.
    """
    if not view.mask.any():
        return NAN
    return float(ndimage.laplace(view.pixels.astype(np.float64))[view.mask].var())


def power_slope(view: View) -> float:
    """Slope of the radially averaged power spectrum over frequency, both as logarithms: steep where it is blurred.

    Taken of the smallest box around the region, less its mean, at frequencies from 1 cycle per box to half the sampling
    rate; NaN of boxes smaller than 8 pixels and of constant ones.

    References
    ----------
    Bray et al. (2012), Workflow and metrics for image quality control in large-scale high-content screens,
    doi:10.1177/1087057111420292, PowerLogLogSlope.
    """
    rows, columns = np.nonzero(view.mask)
    if not rows.size:
        return NAN
    box = view.pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(np.float64)
    size = min(box.shape)
    if size < 8 or box.min() == box.max():
        return NAN
    power = np.abs(np.fft.fft2(box - box.mean())) ** 2
    down, right = np.meshgrid(np.fft.fftfreq(box.shape[0]), np.fft.fftfreq(box.shape[1]), indexing="ij")
    ring = np.rint(np.hypot(down, right) * size).astype(int)
    totals, counts = np.bincount(ring.ravel(), weights=power.ravel()), np.bincount(ring.ravel())
    rings = np.arange(1, size // 2 + 1)
    mean = totals[rings] / counts[rings]
    if not (mean > 0).all():
        return NAN
    return float(np.polyfit(np.log(rings), np.log(mean), 1)[0])


def area(view: View) -> float:
    """Count the pixels of the region; 0 where it is empty."""
    return float(np.count_nonzero(view.mask))


def regions(view: View) -> float:
    """Count the 8-connected components of the region; 0 where it is empty."""
    return float(label(view.mask).max())


def border_contact(view: View) -> float:
    """Share of the frame's border pixels that belong to the region."""
    inner = np.zeros(view.mask.shape, dtype=np.bool_)
    inner[1:-1, 1:-1] = True
    return float(view.mask[~inner].mean())


def eccentricity(view: View) -> float:
    """Eccentricity of the ellipse of equal second moments, all pixels being one object: 0 for a disk, 1 for a line."""
    return _property(view, "eccentricity")


def solidity(view: View) -> float:
    """Area divided by that of the convex hull."""
    return _property(view, "solidity")


def aspect_ratio(view: View) -> float:
    """Minor axis of the ellipse of equal second moments divided by its major axis: 1 for a disk, 0 for a line."""
    major = _property(view, "axis_major_length")
    return _property(view, "axis_minor_length") / major if major > 0 else NAN


def _property(view: View, name: str) -> float:
    if not view.mask.any():
        return NAN
    (whole,) = regionprops(view.mask.astype(np.uint8))
    return float(getattr(whole, name))


def _total(pixels: AnyArray) -> int | float:
    """Sum of pixels; of integers an int, which is exact however large it is."""
    return exact_total(pixels) if pixels.dtype.kind in "iu" else float(pixels.sum(dtype=np.float64))


INTENSITY: dict[str, Metric] = {
    "sum": pixel_sum,
    "mean": pixel_mean,
    "max": pixel_max,
    "std": pixel_std,
    "saturated": saturated,
    "laplacian_variance": laplacian_variance,
    "power_slope": power_slope,
}
"""Metrics of pixels, over the whole image or a region."""

AGAINST_BACKGROUND: dict[str, Metric] = {"signal_to_background": signal_to_background}
"""Metrics of pixels inside and outside a region."""

SHAPE: dict[str, Metric] = {
    "area": area,
    "regions": regions,
    "border_contact": border_contact,
    "eccentricity": eccentricity,
    "solidity": solidity,
    "aspect_ratio": aspect_ratio,
}
"""Metrics of a region, whatever its pixels."""
