"""What every mask of pixels finds, what leaves it unchanged, and what it bears."""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.core.types import AnyArray, BoolArray
from tasks.mask import circle_mask, li_mask, otsu_mask, spot_mask, watershed_mask
from tasks.mask.cleaning import count_regions

WIDE = ("uint16", "uint32", "uint64", "int16", "int32", "int64", "float32", "float64")
DTYPES = (*WIDE, "uint8", "int8", "float16")
Find = Callable[[AnyArray], BoolArray]
UNSCALED: dict[str, Find] = {
    **{f"li {sigma}": partial(li_mask, sigma=sigma) for sigma in (0.0, 0.5, 1.5)},
    **{f"spot {size}": partial(spot_mask, size=size) for size in (1, 5)},
}
"""Those that a constant and a power of two never change."""
FINDS: dict[str, Find] = {**UNSCALED, "otsu": otsu_mask, "watershed": watershed_mask}
EACH = pytest.mark.parametrize("name", FINDS)
SPOTS = ((15, 18), (22, 30), (27, 17))
SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)


def images(low: int, top: int) -> st.SearchStrategy[npt.NDArray[np.uint16]]:
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=24)
    return hnp.arrays(np.uint16, shapes, elements=st.integers(low, top))


def drawn(name: str, *, seed: int = 0, gain: int = 1) -> AnyArray:
    """Draw a noisy, slightly oblong disk upon a darker ground, whole numbers below 128·gain; for spots a cell of three.

    Otsu's disk is softer: it has less noise.
    """
    rows, columns = np.mgrid[:40, :46]
    noise = np.random.default_rng(seed).normal(0, {"otsu": 0.3, "spot": 1}.get(name[:4], 2), (40, 46))
    light = 20 + 60 / (1 + np.exp(np.hypot((rows - 40 / 2.1), (columns - 46 / 1.9) / 1.2) - 9)) + noise
    if name.startswith("spot"):
        light = 20 + 40 / (1 + np.exp((np.hypot(rows - 20, columns - 22) - 13) / 3)) + noise
        for row, column in SPOTS:
            light[row : row + 2, column : column + 3] += 50
    image: AnyArray = np.clip(np.rint(light * gain), 0, 127 * gain).astype(np.uint8 if gain == 1 else np.uint16)
    return image


@pytest.mark.parametrize(
    ("name", "seed", "gain", "free", "most"),
    # an ellipse of half axes 9 and 10.8 has 305 px; gradient, medians, outline and growth reach a few pixels beyond
    [
        ("li 0.5", 0, 1, 4, 2), ("otsu", 0, 1, 3, 3), ("otsu", 0, 40, 3, 3),
        *(("watershed", seed, 1, 3, 2) for seed in range(3)),
    ],
)  # fmt: skip
def test_it_finds_the_cell(name: str, seed: int, gain: int, free: int, most: int) -> None:
    mask = FINDS[name](drawn(name, seed=seed, gain=gain))
    assert count_regions(mask) == 1
    assert mask[19, 24]
    assert not mask[:free].any()
    assert 305 < mask.sum() < most * 305


def test_it_finds_the_spots_and_not_the_cell() -> None:
    mask = spot_mask(drawn("spot"), size=5)
    expected = np.zeros(mask.shape, dtype=bool)
    for row, column in SPOTS:
        expected[row : row + 2, column : column + 3] = True
    np.testing.assert_array_equal(mask, expected)  # 18 px; of 1840 px at most 19 are above the quantile


@pytest.mark.parametrize(
    "turn",
    [np.transpose, np.rot90, np.flipud, np.fliplr, lambda image: np.rot90(image, 2)],
    ids=["transpose", "rot90", "flipud", "fliplr", "rot180"],
)
@pytest.mark.parametrize(
    ("name", "seed", "gain"),
    [
        *((name, seed, 1) for name in UNSCALED for seed in range(4)),
        *(("otsu", seed, gain) for gain in (1, 40) for seed in range(3)),
    ],
)
def test_turning_the_image_turns_the_mask(
    name: str, seed: int, gain: int, turn: Callable[[AnyArray], AnyArray]
) -> None:
    image = drawn(name, seed=seed, gain=gain)
    mask = FINDS[name](image)
    assert mask.any()
    np.testing.assert_array_equal(FINDS[name](turn(image)), turn(mask))


@pytest.mark.parametrize(
    ("name", "dtype", "gain"),
    [*((name, dtype, 1) for name in FINDS for dtype in DTYPES), *(("otsu", dtype, 40) for dtype in WIDE)],
)
def test_the_dtype_and_order_of_equal_pixels_do_not_matter_and_they_are_left_alone(
    name: str, dtype: str, gain: int
) -> None:
    image = drawn(name, gain=gain)
    before = image.astype(dtype)
    given_image = before.copy()
    expected = FINDS[name](image)
    np.testing.assert_array_equal(FINDS[name](np.asfortranarray(given_image)), expected)
    np.testing.assert_array_equal(FINDS[name](given_image), expected)
    np.testing.assert_array_equal(given_image, before)


@pytest.mark.parametrize("name", UNSCALED)
@given(image=images(0, 1000), constant=st.integers(-(2**20), 2**20), power=st.integers(0, 30))
def test_adding_a_constant_and_scaling_by_a_power_of_two_change_nothing(
    name: str, image: npt.NDArray[np.uint16], constant: int, power: int
) -> None:
    mask = FINDS[name](image)
    np.testing.assert_array_equal(FINDS[name](image.astype(np.int64) * 2**power + constant), mask)
    np.testing.assert_array_equal(FINDS[name](image * 2.0**-power), mask)


@EACH
@given(image=st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(np.dtype(dtype), SHAPES)))
def test_any_pixels_give_a_mask_of_large_enough_objects_or_of_a_hundredth_in_spots(name: str, image: AnyArray) -> None:
    mask = FINDS[name](image)
    assert mask.shape == image.shape
    assert mask.dtype == np.dtype(bool)
    if name.startswith("spot"):
        assert mask.sum() <= -(-(mask.size - 1) // 100)
    else:
        assert mask.sum() == 0 or mask.sum() >= 20


@EACH
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 30), (30, 30)])
def test_constant_pixels_have_no_object(name: str, shape: tuple[int, int], dtype: str) -> None:
    limits = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
    for value in (0, 1, limits.max, limits.min):
        assert not FINDS[name](np.full(shape, value, dtype=dtype)).any()


@EACH
@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_nan_and_infinite_pixels_have_no_object(name: str, hole: float) -> None:
    image = drawn(name, gain=40).astype(np.float64)
    assert FINDS[name](image).any()
    image[3, 3] = hole
    assert not FINDS[name](image).any()


@EACH
def test_no_pixels_have_no_object(name: str) -> None:
    assert FINDS[name](np.zeros((0, 4))).shape == (0, 4)


def test_the_largest_pixels_of_float64_do_not_overflow() -> None:
    largest = np.finfo(np.float64).max
    image, spot = np.full((2, 30, 30), -largest)
    image[10:20, 10:20] = spot[10:12, 10:12] = largest
    np.testing.assert_array_equal(li_mask(image, sigma=0.5), li_mask(image > 0, sigma=0.5))
    np.testing.assert_array_equal(spot_mask(spot), spot > 0)
    mask = watershed_mask(image)
    assert mask[10:20, 10:20].all()
    assert not mask[:7].any()
    soft = drawn("otsu", gain=40) / 5080.0 * largest
    mask = otsu_mask(soft)
    assert mask[19, 24]
    np.testing.assert_array_equal(otsu_mask(soft * 2.0**-1000), mask)  # still above 512
    assert otsu_mask(2 * (soft / 2 - largest / 4)).shape == soft.shape


@given(image=images(513, 9000), constant=st.integers(0, 2**20), power=st.integers(0, 20))
def test_above_512_a_constant_and_a_power_of_two_do_not_change_otsus(
    image: npt.NDArray[np.uint16], constant: int, power: int
) -> None:
    np.testing.assert_array_equal(otsu_mask(image.astype(np.int64) * 2**power + constant), otsu_mask(image))


@pytest.mark.parametrize("step", [0.25, 1.7])
def test_otsu_masks_floats_up_to_512_too(step: float) -> None:
    image = drawn("otsu") * step
    assert image.max() <= 512
    mask = otsu_mask(image)
    assert mask[19, 24]
    assert not mask[:3].any()
    shifted = image - 20.5 * step
    assert shifted.min() < 0
    assert otsu_mask(shifted)[19, 24]


def test_otsu_finds_nothing_in_pixels_from_0_to_1_and_the_cell_in_negative_ones() -> None:
    image = drawn("otsu").astype(np.int16)
    assert not otsu_mask(image / 128).any()
    expected = otsu_mask(image + 1000)  # as many levels
    assert np.array_equal(otsu_mask(image - 128.0), expected)
    assert np.array_equal(otsu_mask(image - 128), expected)


def test_a_circle_is_a_disk_of_a_third_of_the_smaller_side_around_the_middle_pixel() -> None:
    mask = circle_mask(np.zeros((9, 12)))
    rows = ["............"] + ["......#....."] + ["....#####..."] * 2 + ["...#######.."]
    expected = np.array([[pixel == "#" for pixel in row] for row in [*rows, *rows[3:0:-1], "............"]])
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 9)])
def test_a_circle_in_a_side_below_3_pixels_is_one_pixel(shape: tuple[int, int]) -> None:
    assert np.argwhere(circle_mask(np.zeros(shape))).tolist() == [[shape[0] // 2, shape[1] // 2]]
