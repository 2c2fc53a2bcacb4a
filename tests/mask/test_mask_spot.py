"""The mask ``spot``: what it finds, what leaves it unchanged, and what it bears."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError
from skimage.morphology import disk

from tasks.core.types import AnyArray, Batch, FloatArray
from tasks.mask import Mask, Spot, mask_batch, spot_mask
from tasks.mask.methods.spot import top_hat

DTYPES = [
    *("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64"),
]


def spotted(*, seed: int = 0, shape: tuple[int, int] = (40, 46)) -> AnyArray:
    """Draw a large soft cell with three small bright spots and noise, as integers below 128."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    image = 20 + 40 / (1 + np.exp((np.hypot(rows - 20, columns - 22) - 13) / 3))
    image += np.random.default_rng(seed).normal(0, 1, shape)
    for row, column in ((15, 18), (22, 30), (27, 17)):
        image[row : row + 2, column : column + 3] += 50
    whole: AnyArray = np.clip(np.rint(image), 0, 127).astype(np.uint8)
    return whole


def test_it_finds_the_spots_and_not_the_cell() -> None:
    mask = spot_mask(spotted(), size=5)
    expected = np.zeros(mask.shape, dtype=bool)
    for row, column in ((15, 18), (22, 30), (27, 17)):
        expected[row : row + 2, column : column + 3] = True
    np.testing.assert_array_equal(mask, expected)  # 18 px; of 1840 px at most 19 are above the quantile


def test_only_what_cannot_hold_the_disk_is_a_spot() -> None:
    image = np.zeros((60, 60), dtype=np.uint16)
    image[20:25, 20:25] = 9
    assert spot_mask(image, size=3)[20:25, 20:25].all()  # a disk of radius 3 is 7 px wide
    image[20:27, 20:27] = 9
    # it fits now, and only the corners that it cannot reach stay, 3 px each but for ties: 20 px at most are spots
    mask = spot_mask(image, size=3)
    assert mask[20, 20]
    assert not mask[20:27, 23].any()


def test_at_most_a_hundredth_of_the_pixels_are_spots_and_ties_at_the_quantile_are_none() -> None:
    image = np.zeros((10, 21), dtype=np.uint16)  # 210 px: the quantile is at rank 206.91 of 0 … 209
    places = [(1, 1), (1, 5), (1, 9), (5, 3)]
    for number, place in enumerate(places):
        image[place] = 10 + number
    assert np.argwhere(spot_mask(image, size=2)).tolist() == [[1, 5], [1, 9], [5, 3]]
    image[1, 5] = image[1, 9] = image[5, 3] = 10
    assert not spot_mask(image, size=2).any()


def brute_top_hat(image: FloatArray, *, size: int) -> FloatArray:
    """White top-hat from its definition, by sorting nothing and mirroring enough."""
    footprint = disk(size).astype(bool)

    def windows(padded: FloatArray) -> FloatArray:
        view = np.lib.stride_tricks.sliding_window_view(padded, footprint.shape)
        return np.asarray(view[:, :, footprint])

    eroded = windows(np.pad(image, 2 * size, mode="symmetric")).min(axis=-1)
    return np.asarray(image - windows(eroded).max(axis=-1))


@pytest.mark.parametrize("size", [1, 3, 9])
@pytest.mark.parametrize("shape", [(1, 1), (1, 20), (2, 3), (2, 22), (3, 40), (4, 4), (9, 9), (10, 30)])
def test_the_top_hat_is_the_pixels_minus_the_opening_of_the_mirrored_image(shape: tuple[int, int], size: int) -> None:
    image = np.random.default_rng(size).integers(0, 1000, shape).astype(np.float64)
    np.testing.assert_array_equal(top_hat(image, size=size), brute_top_hat(image, size=size))


@pytest.mark.parametrize(
    "turn",
    [np.transpose, np.rot90, np.flipud, np.fliplr, lambda image: np.rot90(image, 2)],
    ids=["transpose", "rot90", "flipud", "fliplr", "rot180"],
)
@pytest.mark.parametrize("size", [1, 5])
def test_turning_the_image_turns_the_mask(size: int, turn: Callable[[AnyArray], AnyArray]) -> None:
    image = spotted()
    mask = spot_mask(image, size=size)
    assert mask.any()
    np.testing.assert_array_equal(spot_mask(turn(image), size=size), turn(mask))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_dtype_of_equal_pixels_does_not_matter(dtype: str) -> None:
    image = spotted()
    before = image.astype(dtype)
    given_image = before.copy()
    np.testing.assert_array_equal(spot_mask(np.asfortranarray(given_image)), spot_mask(image))
    spot_mask(given_image)
    np.testing.assert_array_equal(given_image, before)  # it is left alone


IMAGES = hnp.arrays(
    dtype=np.uint16, shape=hnp.array_shapes(min_dims=2, max_dims=2, max_side=24), elements=st.integers(0, 1000)
)


@given(image=IMAGES, constant=st.integers(-(2**20), 2**20), power=st.integers(0, 30), size=st.sampled_from([1, 4]))
def test_adding_a_constant_and_scaling_by_a_power_of_two_change_nothing(
    image: npt.NDArray[np.uint16], constant: int, power: int, size: int
) -> None:
    mask = spot_mask(image, size=size)
    np.testing.assert_array_equal(spot_mask(image.astype(np.int64) * 2**power + constant, size=size), mask)
    np.testing.assert_array_equal(spot_mask(image * 2.0**-power, size=size), mask)


@given(
    image=st.sampled_from([np.dtype(dtype) for dtype in DTYPES]).flatmap(
        lambda dtype: hnp.arrays(dtype=dtype, shape=hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))
    ),
    size=st.sampled_from([1, 5]),
)
def test_any_pixels_give_a_mask_of_at_most_a_hundredth(image: AnyArray, size: int) -> None:
    mask = spot_mask(image, size=size)
    assert mask.shape == image.shape
    assert mask.dtype == np.dtype(bool)
    assert mask.sum() <= -(-(mask.size - 1) // 100)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 30), (30, 30)])
def test_constant_pixels_have_no_object(shape: tuple[int, int], dtype: str) -> None:
    limits = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
    for value in (0, 1, limits.max, limits.min):
        assert not spot_mask(np.full(shape, value, dtype=dtype)).any()


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_nan_and_infinite_pixels_have_no_object(hole: float) -> None:
    image = spotted().astype(np.float64)
    image[3, 3] = hole
    assert not spot_mask(image).any()


def test_no_pixels_have_no_object() -> None:
    assert spot_mask(np.zeros((0, 4))).shape == (0, 4)


def test_the_largest_pixels_of_float64_do_not_overflow() -> None:
    image = np.full((30, 30), -np.finfo(np.float64).max)
    image[10:12, 10:12] = np.finfo(np.float64).max
    np.testing.assert_array_equal(spot_mask(image), image > 0)


def test_the_size_may_differ_between_channels() -> None:
    image = np.zeros((40, 46), dtype=np.uint16)
    image[10:14, 20:24] = np.arange(1, 17).reshape(4, 4) + 50  # a disk of radius 1 fits in, one of radius 5 does not
    config = Mask.model_validate({"methods": [{"method": "spot", "size": {"PI": 1}}], "main_channel": "BF"})
    (spots,) = mask_batch(Batch.of([np.stack([image, image])], channels=["BF", "PI"]), config=config)
    np.testing.assert_array_equal(spots.masks.unstack()[0], [spot_mask(image, size=5), spot_mask(image, size=1)])
    assert not np.array_equal(spot_mask(image, size=5), spot_mask(image, size=1))


@pytest.mark.parametrize("size", [0, -1, 101, 2.5, "wide", {"PI": 0}])
def test_a_size_is_a_whole_number_of_pixels(size: object) -> None:
    with pytest.raises(ValidationError, match="size"):
        Spot.model_validate({"size": size})
