"""A plane in the pixels of a network and back: brightness by percentiles, size by resampling."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.core.types import AnyArray, BoolArray, IntArray
from tasks.segment.model.form import Form

Window = tuple[slice, slice]
"""Rows and columns of a plane, in its own pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledPlane:
    """A plane as a network sees it, of which any part is computed when it is asked for.

    Parameters
    ----------
    plane
        (H, W), any integer, bool or float dtype.
    finite
        (H, W) bool: pixels that hold a value; the others are taken to be as dark as `low`.
    low, high
        Half of the values that become 0 and 1; halved, so that the range of the largest floats does not overflow.
    scale
        The network's pixels per pixel of the plane.
    form
        How the network wants it.
    """

    plane: AnyArray
    finite: BoolArray
    low: float
    high: float
    scale: float
    form: Form

    @classmethod
    def of(cls, plane: AnyArray, *, form: Form, diameter: float) -> "ScaledPlane | None":
        """Prepare a plane whose objects have a diameter in its pixels; None where it has no contrast.

        Percentiles are those of all finite pixels, and values that occur, so that the result depends neither on the
        dtype, nor on an offset, nor on the bit depth. Where the upper one equals the lower, as in a field that is empty
        but for a few pixels, the greatest value takes its place.
        """
        values = plane.view(np.uint8) if plane.dtype == np.bool_ else plane
        finite = np.isfinite(values)
        known = values[finite] if not finite.all() else values.ravel()
        if not known.size:
            return None
        places = [round(percent / 100 * (known.size - 1)) for percent in (form.lower_percentile, form.upper_percentile)]
        ordered = np.partition(known, places)
        low, high = (float(ordered[place]) / 2 for place in places)
        if low == high:
            high = float(known.max()) / 2
        if low == high:
            return None
        return cls(plane=values, finite=finite, low=low, high=high, scale=form.diameter / diameter, form=form)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in the network's pixels; at least one."""
        height, width = (max(1, round(length * self.scale)) for length in self.plane.shape)
        return height, width

    def brightness(self, window: Window) -> AnyArray:
        """(h, w) float32: a window of the plane, in its own pixels, as bright as the network wants it."""
        halves = np.where(self.finite[window], self.plane[window], 0).astype(np.float64) / 2
        with np.errstate(over="ignore"):  # clipped
            bright = (halves - self.low) / (self.high - self.low)
        bright = np.where(self.finite[window], bright, 0.0).clip(self.form.clip_low, self.form.clip_high)
        return bright.astype(np.float32)

    def part(self, rows: IntArray, columns: IntArray) -> AnyArray:
        """(R, C) float32: the network's pixels in these rows and columns.

        Anti-aliased by a triangle where the plane is shrunk, bilinear where it is enlarged. Beyond the far sides the
        image is mirrored at the middle of its last pixel; rows and columns there may be asked for, too.
        """
        steps = []
        for wanted, length, native in zip((rows, columns), self.shape, self.plane.shape, strict=True):
            centers = (mirrored(wanted, length=length) + 0.5) / self.scale - 0.5
            steps.append(_weights(centers, reach=max(1.0, 1 / self.scale), length=native))
        (down, top, bottom), (across, left, right) = steps
        bright = self.brightness((slice(top, bottom), slice(left, right)))
        return np.ascontiguousarray((across @ np.ascontiguousarray((down @ bright).T)).T)


def mirrored(places: IntArray, *, length: int) -> IntArray:
    """Places in 0 … length − 1 that stand for places beyond, as ``numpy.pad(mode="reflect")`` has it.

    Examples
    --------
    >>> mirrored(np.arange(8), length=3)
    array([0, 1, 2, 1, 0, 1, 2, 1])
    """
    if length == 1:
        return np.zeros_like(places)
    turned = places % (2 * length - 2)
    return np.minimum(turned, 2 * length - 2 - turned)


def enlarged(
    maps: AnyArray, *, origin: tuple[int, int], shape: tuple[int, int], scale: float, window: Window
) -> AnyArray:
    """(K, h, w) float32: a window of the plane out of maps in the network's pixels, bilinear.

    Parameters
    ----------
    maps
        (K, R, C) float32: those of rows and columns from `origin` on; all that the window's pixels lie between.
    shape
        Height and width of the whole in the network's pixels.
    scale
        The network's pixels per pixel of the plane.
    window
        Slices of rows and columns of the plane.
    """
    (down, top, bottom), (across, left, right) = (
        _weights(
            np.clip((np.arange(place.start, place.stop) + 0.5) * scale - 0.5, 0, length - 1), reach=1.0, length=length
        )
        for place, length in zip(window, shape, strict=True)
    )
    known = maps[:, top - origin[0] : bottom - origin[0], left - origin[1] : right - origin[1]]
    kinds, height, width = known.shape
    wide = across @ np.ascontiguousarray(known.reshape(kinds * height, width).T)
    lines = np.ascontiguousarray(wide.T).reshape(kinds, height, -1)
    return np.stack([down @ plane for plane in lines])


def _weights(centers: AnyArray, *, reach: float, length: int) -> tuple[Any, int, int]:
    """Sparse matrix that interpolates at `centers` along an axis by a triangle, and the part of the axis that it needs.

    Parameters
    ----------
    centers
        (M,) places on the axis.
    reach
        Half of the triangle's base.
    length
        Of the axis.

    Returns
    -------
    matrix, start, stop
        (M, stop − start) float32, each row adding up to 1.
    """
    from scipy.sparse import csr_array

    first = np.ceil(centers - reach).astype(np.int64)
    taps = first[:, np.newaxis] + np.arange(int(np.floor(2 * reach)) + 1)
    weights = np.maximum(1 - np.abs(taps - centers[:, np.newaxis]) / reach, 0) * ((taps >= 0) & (taps < length))
    weights /= weights.sum(axis=1, keepdims=True)
    used = weights > 0
    start, stop = int(taps[used].min()), int(taps[used].max()) + 1
    ends = np.concatenate([[0], np.cumsum(used.sum(axis=1))])
    matrix = csr_array((weights[used].astype(np.float32), taps[used] - start, ends), shape=(len(centers), stop - start))
    return matrix, start, stop
