"""Where a field is bright: a smoothed plane on a scale of its own, its threshold and its background."""

from dataclasses import dataclass
from typing import Literal

from tasks.core.types import AnyArray
from tasks.segment.levels import BINS, level_of
from tasks.segment.operations import Image, Mask, Operations

Threshold = Literal["li", "otsu", "triangle", "local"]

LEAST_HEIGHT = 0.7
"""Least height of the threshold `local`, in heights of the global one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreground:
    """A plane made ready for finding objects, in the memory of a device.

    Parameters
    ----------
    scaled
        (H, W) float32: the plane, its lowest finite value made 0 and its highest 1.
    smooth
        (H, W) float32: `scaled` after a Gaussian filter.
    finite
        (H, W) bool: pixels that hold a value; None where all do.
    dark
        (H, W) bool: smooth pixels not above the global threshold, before its correction; at least one.
    background
        Median of the smooth pixels that are dark.
    level
        Above it a smooth pixel is bright: a number or, for `local`, (H, W) float32.
    """

    scaled: Image
    smooth: Image
    finite: Mask | None
    dark: Mask
    background: float
    level: float | Image

    @property
    def bright(self) -> Mask:
        """(H, W) bool: finite pixels above the level."""
        bright = self.smooth > self.level
        return bright if self.finite is None else bright & self.finite


def find_foreground(
    plane: AnyArray,
    *,
    sigma: float,
    threshold: Threshold,
    window: float,
    correction: float = 1.0,
    operations: Operations,
) -> Foreground | None:
    """Scale, smooth and threshold one plane.

    The scaling ``(value − min) / (max − min)`` comes first and is exact for integers, so that the result depends
    neither on the dtype, nor on an offset, nor on the bit depth: an 8-bit image and the same image times 257 give equal
    results, bit for bit.

    Parameters
    ----------
    plane
        (H, W), any integer, bool or float dtype, in the memory of the device. Pixels that are not finite are taken as
        the lowest value, and are never bright.
    sigma
        Standard deviation of the Gaussian filter in pixels, reflected at the frame; 0: none.
    threshold
        A method of `tasks.segment.levels`, over all pixels of the smooth plane. Or ``local``, for a background that is
        uneven: the mean of the surroundings, a Gaussian, as in scikit-image's ``threshold_local``; but, because half of
        the pixels where there is no object would be above it, with a height above the background of at least 0.7 times
        that of the threshold ``li``, which is CellProfiler's lower bound of adaptive thresholds.
    window
        Side of the surroundings in pixels, six standard deviations, for ``local``.
    correction
        Factor on the height of the threshold above the background: ``background + correction · (t − background)``.
    operations
        Those of the device.

    Returns
    -------
    Foreground or None
        None where the plane has no contrast: no finite pixel, or all equal, or none below the threshold.
    """
    if (known := operations.scale(plane)) is None:
        return None
    scaled, finite = known
    smooth = operations.gaussian(scaled, sigma=sigma) if sigma > 0 else scaled
    histogram = operations.histogram(smooth, bins=BINS)
    if histogram.low == histogram.high:
        return None
    level = level_of(histogram, threshold="li" if threshold == "local" else threshold)
    dark = smooth <= level
    if not dark.any():
        return None
    background = operations.median(smooth, mask=dark)
    height: float | Image = level - background
    if threshold == "local":
        height = (operations.gaussian(smooth, sigma=window / 6) - background).clip(LEAST_HEIGHT * (level - background))
    return Foreground(
        scaled=scaled,
        smooth=smooth,
        finite=finite,
        dark=dark,
        background=background,
        level=background + correction * height,
    )
