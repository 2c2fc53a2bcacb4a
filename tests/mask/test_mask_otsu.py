"""The mask ``otsu``: what it finds, what leaves it unchanged, and what it bears."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.filters import rank
from skimage.morphology import disk

from tasks.core.types import AnyArray, FloatArray
from tasks.mask import otsu_mask
from tasks.mask.cleaning import count_regions
from tasks.mask.methods.otsu import grey_levels
from tasks.mask.rank_median import rank_median, sorted_median

WIDE = ["uint16", "uint32", "uint64", "int16", "int32", "int64", "float32", "float64"]
NARROW = ["uint8", "int8", "float16"]
DTYPES = [*WIDE, *NARROW]


def cell(*, seed: int = 0, shape: tuple[int, int] = (40, 46), gain: int = 1) -> AnyArray:
    """Draw a noisy, soft, slightly oblong disk upon a darker ground, as whole numbers below 128·gain."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot((rows - shape[0] / 2.1), (columns - shape[1] / 1.9) / 1.2)
    noise = np.random.default_rng(seed).normal(0, 0.3, shape)
    light = 20 + 60 / (1 + np.exp(distance - 9)) + noise
    image: AnyArray = np.clip(np.rint(light * gain), 0, 127 * gain).astype(np.uint16)
    return image


@pytest.mark.parametrize("gain", [1, 40])
def test_it_finds_the_cell(gain: int) -> None:
    mask = otsu_mask(cell(gain=gain))
    assert count_regions(mask) == 1
    assert mask[19, 24]
    assert not mask[:3].any()
    # an ellipse of half axes 9 and 10.8 has 305 px; gradient and medians reach a few pixels beyond the edge
    assert 305 < mask.sum() < 3 * 305


def test_up_to_512_pixels_are_their_own_levels_and_above_there_are_513() -> None:
    assert grey_levels(np.array([[7, 512], [0, 3]], dtype=np.uint16)).tolist() == [[7, 512], [0, 3]]
    assert grey_levels(np.array([[0.5, 512.0]])).tolist() == [[0.5, 512.0]]
    # of whatever size
    assert grey_levels(np.array([[-512, -256, 0]]) * 5e-324).tolist() == [[1, 257, 513]]
    # where one is negative there are 513, too: from −512 to 0 in steps of 1
    assert grey_levels(np.array([[-512, -511], [-0.5, 0]])).tolist() == [[1, 2], [512, 513]]
    # from 1 to 513 in steps of 1
    assert grey_levels(np.array([[513, 1], [2, 512]])).tolist() == [[513, 1], [2, 512]]
    # from 0 to 5120 in steps of 10: a pixel on an edge belongs to the level above
    levels = grey_levels(np.array([[0, 9, 10, 11, 5109, 5110, 5119, 5120]]))
    assert levels.tolist() == [[1, 1, 2, 2, 511, 512, 512, 513]]


@settings(deadline=None)
@given(
    image=hnp.arrays(
        dtype=np.uint16, shape=hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 65535)
    )
)
def test_levels_are_exact_fractions_of_the_range(image: npt.NDArray[np.uint16]) -> None:
    image[0, 0] = max(image[0, 0], 513)
    shifted = image.astype(np.int64) - int(image.min())
    span = int(shifted.max())
    expected = 512 * shifted // span + 1 if span else np.full(image.shape, 513)
    np.testing.assert_array_equal(grey_levels(image), expected)


@settings(deadline=None)
@given(
    image=hnp.arrays(
        dtype=np.uint16, shape=hnp.array_shapes(min_dims=2, max_dims=2, max_side=15), elements=st.integers(0, 1023)
    ),
    radius=st.integers(1, 6),
)
def test_sorted_and_counted_medians_are_the_same(image: npt.NDArray[np.uint16], radius: int) -> None:
    counted = rank.median(image, footprint=disk(radius))
    real = image.astype(np.float64)
    np.testing.assert_array_equal(rank_median(real, radius=radius), counted)
    np.testing.assert_array_equal(sorted_median(real, footprint=disk(radius, dtype=np.bool_)), counted)


def test_the_median_of_other_pixels_is_in_the_same_place() -> None:
    image = np.random.default_rng(0).permutation(15 * 17).reshape(15, 17)
    real = image.astype(np.float64)
    chosen = rank_median(real, radius=5)
    others: list[FloatArray] = [real - 100, real / 1000, real * 5, np.exp(real / 10)]
    for other in others:
        values = np.sort(other.ravel())
        np.testing.assert_array_equal(rank_median(other, radius=5), values[chosen.astype(int)])


@pytest.mark.parametrize(
    "turn",
    [np.transpose, np.rot90, np.flipud, np.fliplr, lambda image: np.rot90(image, 2)],
    ids=["transpose", "rot90", "flipud", "fliplr", "rot180"],
)
@pytest.mark.parametrize("gain", [1, 40])
@pytest.mark.parametrize("seed", range(3))
def test_turning_the_image_turns_the_mask(seed: int, gain: int, turn: Callable[[AnyArray], AnyArray]) -> None:
    image = cell(seed=seed, gain=gain)
    mask = otsu_mask(image)
    assert mask.any()
    np.testing.assert_array_equal(otsu_mask(turn(image)), turn(mask))


@pytest.mark.parametrize(
    ("dtype", "gain"), [*((dtype, 1) for dtype in DTYPES), *((dtype, 40) for dtype in WIDE)], ids=str
)
def test_the_dtype_of_equal_pixels_does_not_matter(dtype: str, gain: int) -> None:
    image = cell(gain=gain)
    before = image.astype(dtype)
    given_image = before.copy()
    np.testing.assert_array_equal(otsu_mask(np.asfortranarray(given_image)), otsu_mask(image))
    otsu_mask(given_image)
    np.testing.assert_array_equal(given_image, before)  # it is left alone


BRIGHT = hnp.arrays(
    dtype=np.uint16, shape=hnp.array_shapes(min_dims=2, max_dims=2, max_side=24), elements=st.integers(513, 9000)
)


@settings(deadline=None, max_examples=50)
@given(image=BRIGHT, constant=st.integers(0, 2**20), power=st.integers(0, 20))
def test_above_512_a_constant_and_a_power_of_two_change_nothing(
    image: npt.NDArray[np.uint16], constant: int, power: int
) -> None:
    mask = otsu_mask(image)
    np.testing.assert_array_equal(otsu_mask(image.astype(np.int64) * 2**power + constant), mask)


@pytest.mark.parametrize("step", [0.25, 1.7])
def test_floats_up_to_512_are_masked_too(step: float) -> None:
    image = cell() * step
    assert image.max() <= 512
    mask = otsu_mask(image)
    assert mask[19, 24]
    assert not mask[:3].any()
    shifted = image - 20.5 * step
    assert shifted.min() < 0
    assert otsu_mask(shifted)[19, 24]


def test_pixels_from_0_to_1_have_no_object() -> None:
    assert not otsu_mask(cell() / 128).any()


def test_it_finds_the_cell_in_negative_pixels() -> None:
    expected = otsu_mask(cell() + 1000)  # as many levels
    assert np.array_equal(otsu_mask(cell() - 128.0), expected)
    assert np.array_equal(otsu_mask(cell().astype(np.int16) - 128), expected)


@settings(deadline=None, max_examples=100)
@given(
    image=st.sampled_from([np.dtype(dtype) for dtype in DTYPES]).flatmap(
        lambda dtype: hnp.arrays(dtype=dtype, shape=hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))
    )
)
def test_any_pixels_give_a_mask_of_large_enough_objects(image: AnyArray) -> None:
    mask = otsu_mask(image)
    assert mask.shape == image.shape
    assert mask.dtype == np.dtype(bool)
    assert mask.sum() == 0 or mask.sum() >= 20


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 30), (30, 30)])
def test_constant_pixels_have_no_object(shape: tuple[int, int], dtype: str) -> None:
    limits = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
    for value in (0, 1, limits.max, limits.min):
        assert not otsu_mask(np.full(shape, value, dtype=dtype)).any()


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_nan_and_infinite_pixels_have_no_object(hole: float) -> None:
    image = cell(gain=40).astype(np.float64)
    assert otsu_mask(image).any()
    image[3, 3] = hole
    assert not otsu_mask(image).any()


def test_no_pixels_have_no_object() -> None:
    assert otsu_mask(np.zeros((0, 4))).shape == (0, 4)


def test_the_largest_pixels_of_float64_do_not_overflow() -> None:
    image = cell(gain=40) / 5080.0 * np.finfo(np.float64).max
    mask = otsu_mask(image)
    assert mask[19, 24]
    np.testing.assert_array_equal(otsu_mask(image * 2.0**-1000), mask)  # still above 512
    assert otsu_mask(2 * (image / 2 - np.finfo(np.float64).max / 4)).shape == image.shape
