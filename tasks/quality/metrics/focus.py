"""Metrics of how sharp the pixels are."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tasks.core.types import FloatArray, IntArray
from tasks.quality.metrics.intensity import NAN, variance
from tasks.quality.registry import register
from tasks.quality.view import View


@register("laplacian_variance")
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
        return variance(laplacian.ravel() if view.mask is None else laplacian[view.mask[view.box]])


@register("power_slope")
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
