"""Sums of fields: exact, and the same in whatever order and parts they are added."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import PixelError
from tasks.core.types import AnyArray
from tasks.illumination.sums import FieldSum, added

DTYPES = ["uint8", "uint16", "int32", "float32", "float64"]


def fields(dtype: str, *, count: int = 12, seed: int = 0) -> AnyArray:
    rng = np.random.default_rng(seed)
    values = rng.normal(120, 40, (count, 2, 21, 30)) * rng.choice([1e-3, 1, 1], (count, 1, 1, 1))
    drawn: AnyArray = values.clip(0, 255).astype(dtype)
    return drawn


def summed(images: AnyArray, *, downscale: int) -> FieldSum:
    return added([FieldSum.of(image, downscale=downscale) for image in images])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32"])
def test_the_mean_of_whole_numbers_is_numpys_to_the_last_bit(dtype: str) -> None:
    images = fields(dtype)
    assert np.array_equal(summed(images, downscale=1).mean(), images.mean(axis=0, dtype=np.float64))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_mean_of_other_numbers_is_within_the_bound(dtype: str) -> None:
    images = fields(dtype)
    expected = images.mean(axis=0, dtype=np.longdouble)
    assert np.all(np.abs(summed(images, downscale=1).mean() - expected) <= 2.0**-73 + 2.0**-51 * np.abs(expected))


def test_blocks_are_means_of_the_pixels_that_are_there() -> None:
    images = fields("uint16")
    mean = summed(images, downscale=4).mean()
    expected_mean = images.mean(axis=0, dtype=np.float64)
    assert mean.shape == (2, 6, 8)
    assert np.allclose(mean[:, 0, 0], expected_mean[:, :4, :4].mean(axis=(1, 2)), rtol=1e-14)
    assert np.allclose(mean[:, 5, 7], expected_mean[:, 20:, 28:].mean(axis=(1, 2)), rtol=1e-14)


@given(st.permutations(range(12)), st.integers(1, 11), st.sampled_from(DTYPES), st.integers(1, 5))
def test_no_order_of_adding_changes_a_bit(order: list[int], cut: int, dtype: str, downscale: int) -> None:
    images = fields(dtype)
    expected = summed(images, downscale=downscale)
    total = added([summed(images[part], downscale=downscale) for part in (order[:cut], order[cut:])])
    assert total.images == expected.images == 12
    assert np.array_equal(total.totals, expected.totals)


def test_whole_and_other_numbers_add_up_whichever_comes_first() -> None:
    integral, other = fields("uint16", count=3), fields("float32", count=3, seed=1)
    first = added([summed(integral, downscale=2), summed(other, downscale=2)])
    second = added([summed(other, downscale=2), summed(integral, downscale=2)])
    assert np.array_equal(first.totals, second.totals)
    expected = np.concatenate([integral, other]).astype(np.longdouble).mean(axis=0)
    assert np.allclose(first.mean()[:, 0, 0], expected[:, :2, :2].mean(axis=(1, 2)).astype(float), rtol=1e-14)


def test_the_mean_above_an_offset_is_that_of_shifted_pixels() -> None:
    images = fields("uint16")
    light, shifted = (summed(pixels, downscale=4) for pixels in (images, images.astype(np.int32) - 70000))
    assert np.array_equal(shifted.mean(offset=-70000), light.mean())
    assert np.allclose(light.mean(offset=3.25), light.mean() - 3.25, rtol=1e-12)


def test_a_million_bright_fields_do_not_overflow() -> None:
    brightest = np.full((1, 16, 16), 2**35 - 1, dtype=np.int64)
    single = FieldSum.of(brightest, downscale=16)
    many = FieldSum(totals=single.totals * 2**20, images=2**20, shape=single.shape, downscale=16)
    assert many.mean().tolist() == [[[2.0**35 - 1]]]


@pytest.mark.parametrize("value", [2.0**35, -(2.0**35)])
def test_pixels_too_large_to_be_added_up_are_refused(value: float) -> None:
    with pytest.raises(PixelError, match=r"has pixels of 3\.43597e"):
        FieldSum.of(np.full((1, 3, 3), value), downscale=1)
