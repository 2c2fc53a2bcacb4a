"""The mean of an image outside of its objects, against numpy's."""

import numpy as np
import numpy.typing as npt
import pytest

from tasks.core.kernels.background import outside_means


@pytest.mark.parametrize("dtype", [np.uint16, np.uint8, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (70, 131)])
def test_it_is_the_mean_of_the_pixels_outside(dtype: npt.DTypeLike, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    image = (rng.random((3, *shape)) * 250).astype(dtype)
    outside = rng.random(shape) < 0.7
    outside[0, 0] = True
    expected = [plane[outside].mean(dtype=np.float64) for plane in image]
    assert outside_means(image, outside) == pytest.approx(expected, rel=1e-12)
    assert outside_means(image[:, ::-1, ::-1], outside[::-1, ::-1]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("channels", range(1, 10))
@pytest.mark.parametrize("dtype", [np.uint16, np.float64])
def test_planes_that_are_summed_side_by_side_do_not_mix(channels: int, dtype: npt.DTypeLike) -> None:
    rng = np.random.default_rng(channels)
    image = (rng.random((channels, 6, 200)) * 1000).astype(dtype)
    outside = rng.random((6, 200)) < 0.5
    expected = [plane[outside].mean(dtype=np.float64) for plane in image]
    assert outside_means(image, outside) == pytest.approx(expected, rel=1e-12)


def test_a_plane_has_one_mean_whatever_the_type_of_its_pixels() -> None:
    rng = np.random.default_rng(8)
    image = rng.normal(size=(2, 50, 70)).astype(np.float32)
    outside = rng.random((50, 70)) < 0.8
    assert np.allclose(outside_means(image, outside), outside_means(image.astype(np.float64), outside), rtol=1e-12)


def test_large_counts_do_not_overflow() -> None:
    image = np.full((1, 300, 300), 65535, dtype=np.uint16)
    assert outside_means(image, np.ones((300, 300), dtype=bool)).tolist() == [65535.0]


def test_what_is_missing_counts_outside_only() -> None:
    image = np.ones((3, 9, 9))
    outside = np.ones((9, 9), dtype=bool)
    outside[4, 4] = False
    image[0, 4, 4], image[1, 0, 0], image[2, 4, 4] = np.nan, np.nan, np.inf
    assert np.array_equal(outside_means(image, outside), [1.0, np.nan, 1.0], equal_nan=True)


def test_without_any_pixel_outside_there_is_no_mean() -> None:
    assert np.isnan(outside_means(np.ones((2, 4, 4)), np.zeros((4, 4), dtype=bool))).all()
