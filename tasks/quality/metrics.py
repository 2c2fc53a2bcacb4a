"""Quality metrics: cheap numbers of a plane of pixels and of the region in it, measured before features."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import sqrt

import numpy as np
from scipy import ndimage

from tasks.core.exact.sums import exact_total
from tasks.core.shape import Ellipse, ellipse, hull_area, second_moments
from tasks.core.shape import border_contact as border_shares
from tasks.core.types import AnyArray, BoolArray, FloatArray, IntArray, LabelArray

NAN = float("nan")


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldView:
    """A whole field in one channel, as the views of its objects share it.

    Parameters
    ----------
    pixels
        (H, W), of any type.
    labels
        (H, W) labels of the kind of object.
    """

    pixels: AnyArray
    labels: LabelArray

    @cached_property
    def highest(self) -> float:
        """Largest pixel."""
        return float(self.pixels.max())

    @cached_property
    def contacts(self) -> dict[int, float]:
        """Share of the frame's border pixels that each object has."""
        return border_shares(self.labels)


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """What a metric looks at; what several metrics of one view have in common is worked out once.

    Parameters
    ----------
    pixels
        (H, W), of any type: the whole frame, or of an object of a field a window of any size that holds the object and
        its neighbouring pixels. No metric depends on how large the window is.
    mask
        (H, W) bool: the region; None: the whole frame.
    background
        Mean of the pixels outside, NaN where there is none.
    field, number
        The field of which `pixels` is a window, and the object's label; None where it is the whole frame.
    """

    pixels: AnyArray
    mask: BoolArray | None
    background: float = NAN
    field: FieldView | None = None
    number: int = 0

    @cached_property
    def inside(self) -> AnyArray:
        """Pixels of the region, one-dimensional."""
        return self.pixels.ravel() if self.mask is None else self.pixels[self.mask]

    @cached_property
    def region(self) -> BoolArray:
        """(H, W) bool."""
        return np.ones(self.pixels.shape, dtype=np.bool_) if self.mask is None else self.mask

    @cached_property
    def counts(self) -> tuple[IntArray, IntArray]:
        """Pixels of the region in each row and in each column."""
        return np.add.reduce(self.region, axis=1, dtype=np.int64), np.add.reduce(self.region, axis=0, dtype=np.int64)

    @cached_property
    def box(self) -> tuple[slice, slice] | None:
        """Rows and columns of the smallest box around the region; None where it is empty."""
        if self.mask is None:
            height, width = self.pixels.shape
            return (slice(0, height), slice(0, width)) if self.pixels.size else None
        rows, columns = (np.flatnonzero(count) for count in self.counts)
        if not rows.size:
            return None
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

    @cached_property
    def ellipse(self) -> Ellipse | None:
        """The ellipse of equal second moments, all pixels being one object; None where the region is empty."""
        return None if self.box is None else ellipse(second_moments(self.region[self.box]))


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
    return sqrt(_variance(inside)) if inside.size else NAN


def _variance(values: AnyArray) -> float:
    """Return the population variance by the steps of ``numpy.var``, whose options take longer than few values do."""
    off = values - np.add.reduce(values, dtype=np.float64) / len(values)
    np.multiply(off, off, out=off)
    return float(np.add.reduce(off) / len(values))


def percentile(p: float) -> Metric:
    """Make the metric of the p-th percentile of the pixels, interpolated linearly."""

    def metric(view: View) -> float:
        inside = view.inside
        return _quantile(inside.astype(np.float64), p / 100) if inside.size else NAN

    return metric


def _quantile(values: FloatArray, q: float) -> float:
    """Interpolate linearly between two order statistics, as numpy does; NaN where a value is NaN.

    ``numpy.quantile`` of a hundred values spends its time on options.
    """
    last = len(values) - 1
    place = last * q
    lower = min(int(place), last)
    upper = min(lower + 1, last)
    values.partition(sorted({lower, upper, last}))  # NaN come last
    if np.isnan(values[last]):
        return NAN
    below, above, share = float(values[lower]), float(values[upper]), place - lower
    return above - (above - below) * (1 - share) if share >= 0.5 else below + (above - below) * share


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
    highest = float(view.pixels.max()) if view.field is None else view.field.highest
    if view.pixels.dtype.kind == "f" and highest <= 1:
        return np.count_nonzero(inside == 1) / inside.size
    limit = next((2**bits - 1 for bits in BIT_DEPTHS if highest <= 2**bits - 1), None)
    return 0.0 if limit is None else np.count_nonzero(inside == limit) / inside.size


def signal_to_background(view: View) -> float:
    """Mean of the region divided by the mean outside; NaN where the background is not positive."""
    return pixel_mean(view) / view.background if view.background > 0 else NAN


def laplacian_variance(view: View) -> float:
    """Variance of the Laplacian (4 neighbours, reflected border) over the region: low where the image is blurred.

    References
    ----------
    Pech-Pacheco et al. (2000), Diatom autofocusing in brightfield microscopy, doi:10.1109/ICPR.2000.903548.
    """
    if view.box is None:
        return NAN
    height, width = view.pixels.shape
    rows, columns = view.box
    top, left = max(rows.start - 1, 0), max(columns.start - 1, 0)
    bottom, right = min(rows.stop + 1, height), min(columns.stop + 1, width)
    near = np.empty((rows.stop - rows.start + 2, columns.stop - columns.start + 2))
    down, across = top - rows.start + 1, left - columns.start + 1
    near[down : down + bottom - top, across : across + right - left] = view.pixels[top:bottom, left:right]
    # at the frame's border a pixel is its own neighbour
    if rows.start == 0:
        near[0] = near[1]
    if rows.stop == height:
        near[-1] = near[-2]
    if columns.start == 0:
        near[:, 0] = near[:, 1]
    if columns.stop == width:
        near[:, -1] = near[:, -2]
    with np.errstate(invalid="ignore", over="ignore"):
        double = near[1:-1, 1:-1] * -2.0
        laplacian = near[:-2, 1:-1] + near[2:, 1:-1]
        laplacian += double
        double += near[1:-1, :-2] + near[1:-1, 2:]
        laplacian += double
        return _variance(laplacian.ravel() if view.mask is None else laplacian[view.mask[view.box]])


def power_slope(view: View) -> float:
    """Slope of the radially averaged power spectrum over frequency, both as logarithms: steep where it is blurred.

    Taken of the smallest box around the region, less its mean, at frequencies from 1 cycle per box to half the sampling
    rate; NaN of boxes smaller than 8 pixels and of constant ones.

    References
    ----------
    Bray et al. (2012), Workflow and metrics for image quality control in large-scale high-content screens,
    doi:10.1177/1087057111420292, PowerLogLogSlope.
    """
    if view.box is None:
        return NAN
    box = view.pixels[view.box].astype(np.float64)
    height, width = box.shape
    if min(height, width) < 8 or box.min() == box.max():
        return NAN
    power = np.abs(np.fft.fft2(box - box.mean())) ** 2
    rings = (_kept_rings if box.size <= LARGEST_KEPT else _find_rings)(height, width)
    mean = np.bincount(rings.ring, weights=power.ravel())[rings.chosen] / rings.counts
    return rings.slope(np.log(mean)) if (mean > 0).all() else NAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Rings:
    """The frequencies of boxes of one shape, gathered into rings, and the fit of a line to the rings' logarithms.

    Parameters
    ----------
    ring
        Of each frequency.
    chosen, counts
        The rings that the line is fitted to, and their numbers of frequencies.
    terms, scale
        Their logarithm and 1, each divided by its norm, and the norms.
    """

    ring: IntArray
    chosen: IntArray
    counts: IntArray
    terms: FloatArray
    scale: FloatArray

    def slope(self, values: FloatArray) -> float:
        """Fit a line, by the steps of ``numpy.polyfit``."""
        fitted = np.linalg.lstsq(self.terms, values, rcond=len(values) * np.finfo(np.float64).eps)[0]
        return float(fitted[0] / self.scale[0])


def _find_rings(height: int, width: int) -> Rings:
    size = min(height, width)
    down, right = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    ring = np.rint(np.hypot(down, right) * size).astype(int).ravel()
    chosen = np.arange(1, size // 2 + 1)
    terms = np.vander(np.log(chosen), 2)
    scale = np.sqrt((terms * terms).sum(axis=0))
    return Rings(ring=ring, chosen=chosen, counts=np.bincount(ring)[chosen], terms=terms / scale, scale=scale)


LARGEST_KEPT = 128 * 128
"""Pixels of a box whose rings are kept for the next box of its shape: of cells, not of fields."""

_kept_rings = lru_cache(maxsize=512)(_find_rings)


def area(view: View) -> float:
    """Count the pixels of the region; 0 where it is empty."""
    return float(np.count_nonzero(view.region))


def regions(view: View) -> float:
    """Count the 8-connected components of the region; 0 where it is empty."""
    if view.box is None:
        return 0.0
    _, number = ndimage.label(view.region[view.box], structure=EIGHT)
    return float(number)


EIGHT = np.ones((3, 3), dtype=np.bool_)
"""The neighbours of a pixel."""


def border_contact(view: View) -> float:
    """Share of the frame's border pixels that belong to the region; of an object of a field the field's frame."""
    if view.field is not None:
        return view.field.contacts.get(view.number, 0.0)
    return border_shares(view.region).get(True, 0.0)


def eccentricity(view: View) -> float:
    """Eccentricity of the ellipse of equal second moments: 0 for a disk and a single pixel, 1 for a line."""
    if view.ellipse is None:
        return NAN
    return view.ellipse.eccentricity if view.ellipse.eigenvalues[0] > 0 else 0.0


def solidity(view: View) -> float:
    """Area divided by that of the convex hull of the middles of the pixels' edges."""
    if view.box is None:
        return NAN
    mask = view.region[view.box]
    return np.count_nonzero(mask) / hull_area(mask)


def aspect_ratio(view: View) -> float:
    """Minor axis of the ellipse of equal second moments divided by its major axis: 1 for a disk, 0 for a line."""
    if view.ellipse is None or view.ellipse.eigenvalues[0] == 0:
        return NAN
    large, small = view.ellipse.eigenvalues.tolist()
    return sqrt(small / large)


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
