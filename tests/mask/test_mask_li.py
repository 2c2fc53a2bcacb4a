"""The mask ``li``: what it finds, what leaves it unchanged, and what it bears."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.core.types import AnyArray
from tasks.mask import li_mask
from tasks.mask.cleaning import clean, count_regions
from tasks.mask.planes import unit_range

DTYPES = [
    *("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64"),
]
SIGMAS = [0.0, 0.5, 1.5]


def cell(*, seed: int = 0, shape: tuple[int, int] = (40, 46), radius: float = 9, level: float = 60) -> AnyArray:
    """Draw a noisy, slightly oblong disk of `level` above a background of 20, as integers below 128."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot((rows - shape[0] / 2.1), (columns - shape[1] / 1.9) / 1.2)
    bright = level / (1 + np.exp(distance - radius))
    noise = np.random.default_rng(seed).normal(0, 2, shape)
    image: AnyArray = np.clip(np.rint(20 + bright + noise), 0, 127).astype(np.uint8)
    return image


def test_it_finds_the_cell() -> None:
    mask = li_mask(cell(), sigma=0.5)
    assert count_regions(mask) == 1
    assert mask[19, 24]
    assert not mask[:4].any()
    # an ellipse of half axes 9 and 10.8 has 305 px; the gradient reaches a few pixels beyond the edge
    assert 305 < mask.sum() < 2 * 305


def test_a_hole_in_the_gradient_is_filled() -> None:
    image = np.zeros((60, 60))
    image[15:45, 15:45] = 100  # flat inside: its gradient there is zero
    assert li_mask(image, sigma=0)[30, 30]


def test_a_hole_of_a_quarter_of_the_stamp_stays_open() -> None:
    ring = np.zeros((20, 30), dtype=bool)
    ring[2:16, 2:20] = True
    ring[3:13, 3:18] = False  # 150 px, a quarter of 600
    assert not clean(ring, hole_area=ring.size / 4)[8, 8]
    ring[3, 3] = True  # 149 px
    assert clean(ring, hole_area=ring.size / 4)[8, 8]


def test_a_bound_between_two_areas_counts_as_the_larger() -> None:
    ring = np.zeros((9, 9), dtype=bool)  # a quarter of 81 is 20.25: a hole of 20 is filled, one of 21 is not
    ring[1:8, 1:7] = True
    ring[2:7, 2:6] = False
    assert (~ring[2:7, 2:6]).sum() == 20
    assert clean(ring, hole_area=ring.size / 4).sum() == 42
    ring[1:8, 7] = True
    ring[3, 6] = False
    assert not clean(ring, hole_area=ring.size / 4)[3, 3]


def test_objects_of_19_pixels_are_dropped_and_of_20_kept() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[1:5, 1:6] = True
    mask[10:14, 1:6] = True
    mask[10, 1] = False
    assert np.flatnonzero(clean(mask, hole_area=100).any(axis=1)).tolist() == [1, 2, 3, 4]


def test_a_small_blob_that_hangs_by_a_corner_is_dropped() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[2:8, 2:8] = True
    mask[8:11, 8:11] = True
    assert clean(mask, hole_area=100).sum() == 36


def test_large_blobs_that_touch_by_a_corner_are_one_region() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[2:8, 2:8] = True
    mask[8:14, 8:14] = True
    cleaned = clean(mask, hole_area=100)
    assert (cleaned.sum(), count_regions(cleaned)) == (72, 1)


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize(
    "turn",
    [np.transpose, np.rot90, np.flipud, np.fliplr, lambda image: np.rot90(image, 2)],
    ids=["transpose", "rot90", "flipud", "fliplr", "rot180"],
)
@pytest.mark.parametrize("seed", range(4))
def test_turning_the_image_turns_the_mask(seed: int, turn: Callable[[AnyArray], AnyArray], sigma: float) -> None:
    image = cell(seed=seed)
    mask = li_mask(image, sigma=sigma)
    assert mask.any()
    np.testing.assert_array_equal(li_mask(turn(image), sigma=sigma), turn(mask))


@pytest.mark.parametrize("sigma", SIGMAS)
def test_memory_order_does_not_matter(sigma: float) -> None:
    image = cell()
    np.testing.assert_array_equal(li_mask(np.asfortranarray(image), sigma=sigma), li_mask(image, sigma=sigma))


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_dtype_of_equal_pixels_does_not_matter(dtype: str, sigma: float) -> None:
    image = cell()
    np.testing.assert_array_equal(li_mask(image.astype(dtype), sigma=sigma), li_mask(image, sigma=sigma))


IMAGES = hnp.arrays(
    dtype=np.uint16, shape=hnp.array_shapes(min_dims=2, max_dims=2, max_side=24), elements=st.integers(0, 1000)
)


@given(image=IMAGES, constant=st.integers(-(2**20), 2**20), power=st.integers(0, 30), sigma=st.sampled_from(SIGMAS))
def test_adding_a_constant_and_scaling_by_a_power_of_two_change_nothing(
    image: npt.NDArray[np.uint16], constant: int, power: int, sigma: float
) -> None:
    mask = li_mask(image, sigma=sigma)
    np.testing.assert_array_equal(li_mask(image.astype(np.int64) * 2**power + constant, sigma=sigma), mask)
    np.testing.assert_array_equal(li_mask(image * 2.0**-power, sigma=sigma), mask)


@given(
    image=st.sampled_from([np.dtype(dtype) for dtype in DTYPES]).flatmap(
        lambda dtype: hnp.arrays(dtype=dtype, shape=hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))
    ),
    sigma=st.sampled_from(SIGMAS),
)
def test_any_pixels_give_a_mask_of_large_enough_objects(image: AnyArray, sigma: float) -> None:
    mask = li_mask(image, sigma=sigma)
    assert mask.shape == image.shape
    assert mask.dtype == np.dtype(bool)
    assert mask.sum() == 0 or mask.sum() >= 20


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 30), (30, 30)])
def test_constant_pixels_have_no_object(shape: tuple[int, int], dtype: str, sigma: float) -> None:
    limits = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
    for value in (0, 1, limits.max, limits.min):
        assert not li_mask(np.full(shape, value, dtype=dtype), sigma=sigma).any()


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_nan_and_infinite_pixels_have_no_object(hole: float) -> None:
    image = cell().astype(np.float64)
    image[3, 3] = hole
    assert not li_mask(image, sigma=0.5).any()


def test_the_largest_pixels_of_float64_do_not_overflow() -> None:
    image = np.full((30, 30), -np.finfo(np.float64).max)
    image[10:20, 10:20] = np.finfo(np.float64).max
    np.testing.assert_array_equal(li_mask(image, sigma=0.5), li_mask(image > 0, sigma=0.5))


def test_the_unit_range_is_exact() -> None:
    image = np.array([[-7, 2**50], [5, 6]], dtype=np.int64)
    unit = unit_range(image)
    assert (unit.min(), unit.max() < 1) == (0.0, True)
    np.testing.assert_array_equal(unit * 2.0**51 - 7, image)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_image_is_left_alone(dtype: str) -> None:
    image = cell().astype(dtype)
    before = image.copy()
    li_mask(image, sigma=0.5)
    np.testing.assert_array_equal(image, before)
