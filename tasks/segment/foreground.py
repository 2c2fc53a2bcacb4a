"""Where a field is bright: a smoothed plane on a scale of its own, its threshold, its background and its noise."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tasks.core.types import AnyArray, BoolArray, FloatArray

Threshold = Literal["li", "otsu", "triangle"]

OTSU_BINS = 1024
"""Bins of the histogram of `otsu` and `triangle`: 256 are too few where one hot pixel stretches the range."""

GAUSSIAN_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]]) / 6
"""Blind to constants, slopes and edges along rows or columns; keeps the standard deviation of white noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreground:
    """A plane made ready for finding objects.

    Parameters
    ----------
    scaled
        (H, W) float64: the plane, its lowest finite value made 0 and its highest 1.
    smooth
        (H, W) float64: `scaled` after a Gaussian filter.
    finite
        (H, W) bool: pixels that hold a value.
    background
        Median of the smooth pixels that are not above the threshold.
    noise
        Standard deviation of the noise of single pixels of `scaled`, among those same pixels.
    threshold
        Level above which a smooth pixel is bright, after the correction.
    """

    scaled: FloatArray
    smooth: FloatArray
    finite: BoolArray
    background: float
    noise: float
    threshold: float

    @property
    def bright(self) -> BoolArray:
        """(H, W) bool: finite pixels above the threshold."""
        return (self.smooth > self.threshold) & self.finite


def find_foreground(
    plane: AnyArray, *, sigma: float, threshold: Threshold, correction: float = 1.0
) -> Foreground | None:
    """Scale, smooth and threshold one plane.

    The scaling ``(value − min) / (max − min)`` comes first and is exact for integers, so that the result depends
    neither on the dtype, nor on an offset, nor on the bit depth: an 8-bit image and the same image times 257 give equal
    results, bit for bit.

    Parameters
    ----------
    plane
        (H, W), any integer, bool or float dtype. Pixels that are not finite are taken as the lowest value, and are
        never bright.
    sigma
        Standard deviation of the Gaussian filter in pixels, reflected at the frame; 0: none.
    threshold
        ``li``: minimum cross-entropy [1]_; ``otsu`` [2]_; ``triangle`` [3]_; over all pixels of the smooth plane.
    correction
        Factor on the height of the threshold above the background: ``background + correction · (t − background)``.

    Returns
    -------
    Foreground or None
        None where the plane has no contrast: no finite pixel, or all equal, or none below the threshold.

    References
    ----------
    .. [1] Li & Tam, Pattern Recognition Letters 19 (1998) 771-776.
    .. [2] Otsu, IEEE Trans. Systems, Man and Cybernetics 9 (1979) 62-66.
    .. [3] Zack, Rogers & Latt, J. Histochemistry and Cytochemistry 25 (1977) 741-753.
    .. [4] Immerkær, Computer Vision and Image Understanding 64 (1996) 300-302, for the noise.
    """
    from scipy import ndimage

    values = np.asarray(plane, dtype=np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        return None
    # halved, so that the range of the largest floats does not overflow; exact, as is every scaling by a power of two
    halves = values / 2
    low, high = float(halves[finite].min()), float(halves[finite].max())
    if low == high:
        return None
    scaled = (np.where(finite, halves, low) - low) / (high - low)
    smooth = ndimage.gaussian_filter(scaled, sigma) if sigma > 0 else scaled
    if smooth.min() == smooth.max():
        return None

    level = _level(smooth, threshold=threshold)
    dark = smooth <= level
    if not dark.any():
        return None
    background = float(np.median(smooth[dark]))
    noise = GAUSSIAN_MAD * float(np.median(np.abs(ndimage.convolve(scaled, NOISE_KERNEL)[dark])))
    return Foreground(
        scaled=scaled,
        smooth=smooth,
        finite=finite,
        background=background,
        noise=noise,
        threshold=background + correction * (level - background),
    )


def _level(smooth: FloatArray, *, threshold: Threshold) -> float:
    """Threshold of a plane that is not constant."""
    from skimage.filters import threshold_li, threshold_otsu, threshold_triangle

    if threshold == "li":
        # scikit-image's own tolerance, half the smallest difference of two values, is next to nothing in a smoothed
        # image and takes a sort to find
        return float(threshold_li(smooth, tolerance=1e-4 * float(smooth.std())))
    if threshold == "otsu":
        return float(threshold_otsu(smooth, nbins=OTSU_BINS))
    return float(threshold_triangle(smooth, nbins=OTSU_BINS))
