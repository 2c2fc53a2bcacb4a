"""Moments in whole numbers: against scikit-image, and exact where they are zero."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import measure
from skimage.morphology import disk

from tasks.core.shape import ellipse, second_moments
from tasks.core.types import BoolArray, FloatArray
from tasks.features.plain.moments import moments, raw_moments

PIXELS = arrays(np.bool_, st.tuples(st.integers(2, 12), st.integers(2, 12))).filter(lambda image: image.sum() > 1)


def close(found: FloatArray, expected: npt.ArrayLike, *, scale: float) -> bool:
    return bool(np.allclose(found, expected, rtol=1e-9, atol=1e-9 * scale, equal_nan=True))


@given(PIXELS)
def test_moments_are_those_of_scikit_image(image: BoolArray) -> None:
    found = moments(raw_moments(image))
    raw = measure.moments(image.astype(np.uint8), order=3)
    center = raw[1, 0] / raw[0, 0], raw[0, 1] / raw[0, 0]
    central = measure.moments_central(image.astype(np.uint8), center, order=3)
    normalized = measure.moments_normalized(central, order=3)
    assert np.array_equal(found.raw, raw)
    assert close(found.central, central, scale=float(np.abs(central).max()))
    assert close(found.normalized, normalized, scale=float(np.nanmax(np.abs(normalized))))
    assert close(found.hu, measure.moments_hu(normalized), scale=1.0)


@given(PIXELS)
def test_the_ellipse_is_that_of_scikit_image(image: BoolArray) -> None:
    raw = raw_moments(image)
    assert second_moments(image) == {powers: raw[powers] for powers in second_moments(image)}
    found = ellipse(raw)
    (region,) = measure.regionprops(image.astype(np.uint8))
    scale = region.inertia_tensor_eigvals[0]
    assert close(found.tensor, region.inertia_tensor, scale=scale)
    assert close(found.eigenvalues, region.inertia_tensor_eigvals, scale=scale)
    # scikit-image subtracts nearly equal eigenvalues and takes a root of the rest
    assert found.eccentricity == pytest.approx(region.eccentricity, abs=1e-6)
    if found.eccentricity > 1e-3:
        turn = (found.orientation - region.orientation) % np.pi
        assert min(turn, np.pi - turn) == pytest.approx(0, abs=1e-6)


def test_what_is_symmetric_has_odd_moments_of_exactly_zero() -> None:
    found = moments(raw_moments(disk(7).astype(bool)))
    for p in range(4):
        for q in range(4):
            if p % 2 or q % 2:
                assert found.central[p, q] == 0.0
    assert found.hu[2:].tolist() == [0.0] * 5


def test_a_disk_and_a_square_have_no_direction() -> None:
    for image in (disk(9).astype(bool), np.ones((8, 8), dtype=bool)):
        found = ellipse(raw_moments(image))
        assert found.eccentricity == 0.0
        assert np.isnan(found.orientation)


def test_a_line_has_no_width() -> None:
    found = ellipse(raw_moments(np.eye(11, dtype=bool)))
    assert found.eigenvalues[1] == 0.0
    assert found.eccentricity == 1.0
    assert found.orientation == pytest.approx(np.pi / 4)


def test_a_pixel_is_a_point() -> None:
    found = ellipse(raw_moments(np.ones((1, 1), dtype=bool)))
    assert found.eigenvalues.tolist() == [0.0, 0.0]
    assert np.isnan([found.eccentricity, found.orientation]).all()


def test_large_regions_do_not_overflow() -> None:
    image = np.ones((3000, 2000), dtype=bool)
    found = moments(raw_moments(image))
    assert found.central[2, 0] / found.central[0, 0] == pytest.approx((3000**2 - 1) / 12)
    assert found.central[0, 2] / found.central[0, 0] == pytest.approx((2000**2 - 1) / 12)
