"""The ways to smooth a mean image. Each takes and returns one channel, (h, w) float64."""

import numpy as np
from numpy.polynomial import chebyshev

from tasks.core.types import FloatArray
from tasks.illumination.config import Gaussian, Jones2006, Polynomial, illuminations
from tasks.illumination.kernels.window_median import slide


def jones2006_plain(mean: FloatArray, config: Jones2006) -> FloatArray:
    """Return the median of a square window around every pixel, by scipy."""
    from scipy import ndimage

    median: FloatArray = ndimage.median_filter(mean, size=_window(mean, config), mode="reflect")
    return median


@illuminations.register(Jones2006, plain=jones2006_plain)
def jones2006(mean: FloatArray, config: Jones2006) -> FloatArray:
    """Return the median of a square window around every pixel; beyond the frame the image is mirrored.

    The window's side is by default the odd number next above a fifth of the shorter side.

    References
    ----------
    Jones, Carpenter, Lamprecht, et al. (2006), Methods for high-content, high-throughput image-based cell screening,
    MIAAB workshop. Singh, Bray, Jones, Carpenter (2014), Pipeline for illumination correction of images for
    high-throughput microscopy, doi:10.1111/jmi.12178.
    """
    values, ranks = np.unique(mean, return_inverse=True)
    size = _window(mean, config)
    framed = np.pad(ranks.reshape(mean.shape).astype(np.int32), size // 2, mode="symmetric")
    medians = np.empty(mean.shape)
    slide(framed, size, values, medians)
    return medians


def _window(mean: FloatArray, config: Jones2006) -> int:
    return config.median_size or 2 * (min(mean.shape) // 10) + 1


@illuminations.register(Gaussian)
def gaussian(mean: FloatArray, config: Gaussian) -> FloatArray:
    """Return the image after a Gaussian filter, which reaches 4 sigma; beyond the frame the image is mirrored.

    Sigma is by default a sixteenth of the shorter side.
    """
    from scipy import ndimage

    sigma = config.sigma or min(mean.shape) / 16
    smooth: FloatArray = ndimage.gaussian_filter(mean, sigma=sigma, mode="reflect")
    return smooth


@illuminations.register(Polynomial)
def polynomial(mean: FloatArray, config: Polynomial) -> FloatArray:
    """Return the polynomial in row and column, of a total degree, whose squared distance from the image is least.

    Rows and columns are mapped to −1 … 1 and the terms are products of Chebyshev polynomials, which keeps the fit well
    conditioned.
    """
    height, width = mean.shape
    rows, columns = np.meshgrid(_places(height), _places(width), indexing="ij")
    degree = config.degree
    terms = chebyshev.chebvander2d(rows.ravel(), columns.ravel(), [degree, degree])
    chosen = np.add.outer(np.arange(degree + 1), np.arange(degree + 1)).ravel() <= degree
    terms = terms[:, chosen]
    weights, *_ = np.linalg.lstsq(terms, mean.ravel())
    fitted: FloatArray = (terms @ weights).reshape(mean.shape)
    return fitted


def _places(count: int) -> FloatArray:
    return np.linspace(-1, 1, count) if count > 1 else np.zeros(1)
