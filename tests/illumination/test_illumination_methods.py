"""Smoothing of mean images, against plain code."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import ndimage

from tasks.core.types import FloatArray
from tasks.illumination.config import Gaussian, Jones2006, Polynomial, illuminations
from tasks.illumination.methods import gaussian, jones2006, polynomial


@pytest.fixture
def mean() -> FloatArray:
    """Draw a noisy image with many equal values in it."""
    rng = np.random.default_rng(0)
    image: FloatArray = rng.normal(1000, 30, (61, 47)).round(1)
    image[:9] = 7
    return image


@pytest.mark.parametrize("size", [1, 3, 31, 61, 125])
def test_the_window_median_is_scipys(mean: FloatArray, size: int) -> None:
    expected = ndimage.median_filter(mean, size=size)
    assert np.array_equal(jones2006(mean, Jones2006(median_size=size)), expected)


def test_the_window_median_holds_for_more_values_than_one_level_counts() -> None:
    image = np.random.default_rng(1).permutation(300 * 200).reshape(300, 200) / 7
    assert np.array_equal(jones2006(image, Jones2006(median_size=9)), ndimage.median_filter(image, size=9))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_images_of_one_row_or_column_are_smoothed(shape: tuple[int, int]) -> None:
    image = np.arange(float(np.prod(shape))).reshape(shape)
    for config in (Jones2006(median_size=3), Gaussian(sigma=1), Polynomial(degree=2)):
        assert illuminations.function(config)(image, config).shape == shape


def test_the_gaussian_is_scipys_and_windows_fit_the_image_where_no_size_is_given(mean: FloatArray) -> None:
    assert np.array_equal(gaussian(mean, Gaussian(sigma=3.5)), ndimage.gaussian_filter(mean, 3.5))
    assert np.array_equal(jones2006(mean, Jones2006()), ndimage.median_filter(mean, size=9))
    assert np.array_equal(gaussian(mean, Gaussian()), ndimage.gaussian_filter(mean, 47 / 16))


def test_a_polynomial_is_found_again() -> None:
    rows, columns = np.mgrid[:40, :50] / 10
    image = 3 - rows + 0.5 * columns * rows + 0.25 * columns**2
    assert np.allclose(polynomial(image, Polynomial(degree=2)), image, rtol=1e-12)
    assert not np.allclose(polynomial(image, Polynomial(degree=1)), image, rtol=1e-3)


def test_a_polynomial_is_the_least_squares_fit(mean: FloatArray) -> None:
    rows, columns = (positions.ravel() for positions in np.mgrid[-1:1:61j, -1:1:47j])
    terms = np.stack([rows**a * columns**b for a in range(4) for b in range(4 - a)], axis=1)
    expected = terms @ np.linalg.lstsq(terms, mean.ravel())[0]
    assert np.allclose(polynomial(mean, Polynomial(degree=3)).ravel(), expected, rtol=1e-10)


def test_an_even_window_is_refused() -> None:
    with pytest.raises(ValidationError, match="got 50, expected an odd number, as a window has a middle: 49 or 51"):
        Jones2006(median_size=50)
