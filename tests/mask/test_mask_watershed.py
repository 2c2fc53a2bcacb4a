"""The mask ``watershed``: what it finds, how it floods, and what it bears."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import label

from tasks.core.types import AnyArray
from tasks.mask import watershed_mask
from tasks.mask.cleaning import count_regions
from tasks.mask.compact_watershed import Queue, compact_watershed

DTYPES = [
    *("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64"),
]


def cell(*, seed: int = 0, shape: tuple[int, int] = (40, 46)) -> AnyArray:
    """Draw a noisy, slightly oblong disk upon a darker ground, as integers below 128."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot((rows - shape[0] / 2.1), (columns - shape[1] / 1.9) / 1.2)
    noise = np.random.default_rng(seed).normal(0, 2, shape)
    image: AnyArray = np.clip(np.rint(20 + 60 / (1 + np.exp(distance - 9)) + noise), 0, 127).astype(np.uint8)
    return image


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_the_cell(seed: int) -> None:
    mask = watershed_mask(cell(seed=seed))
    assert count_regions(mask) == 1
    assert mask[19, 24]
    assert not mask[:3].any()
    # an ellipse of half axes 9 and 10.8 has 305 px; its filled outline and the growth reach a few pixels beyond
    assert 305 < mask.sum() < 2 * 305


def square(side: int, *, shape: tuple[int, int] = (60, 60)) -> AnyArray:
    image = np.zeros(shape)
    image[20 : 20 + side, 20 : 20 + side] = 900
    return image


@pytest.mark.parametrize(("side", "filled"), [(17, True), (30, False)])
def test_the_flat_inside_is_filled_where_it_has_fewer_than_300_pixels(*, side: int, filled: bool) -> None:
    mask = watershed_mask(square(side))
    assert mask[20, 30]  # its outline is steep
    assert mask[20 + side // 2, 20 + side // 2] == filled


def test_a_mask_is_grown_to_its_4_neighbours_after_filling() -> None:
    mask = watershed_mask(square(9))
    # the square lies in rows 20 … 28, so that its gradient reaches from 19 to 29
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (18, 30, 18, 30)
    assert not mask[[18, 18, 30, 30], [18, 30, 18, 30]].any()


def test_without_a_marker_the_mask_is_empty() -> None:
    rows, columns = np.mgrid[:30, :40]
    assert not watershed_mask(20 * columns + rows).any()
    # here the steepest part is 1.9 times as steep as the flattest, 1.46 and 0.77 times the threshold
    uneven = np.array([[2, 2, 2, 2, 3, 3], [0, 0, 2, 3, 0, 2], [3, 3, 3, 0, 2, 3]])
    assert not watershed_mask(uneven).any()


def test_with_background_markers_alone_the_mask_is_the_frame() -> None:
    # A gradient that grows with the root of the distance has few low values and many high ones: the threshold is
    # above two thirds of the highest, so nothing reaches one and a half times it.
    rows, columns = np.mgrid[:41, :41]
    image = np.hypot(rows - 20, columns - 20) ** 1.5 * 50
    assert watershed_mask(image).all()


@given(
    keys=st.lists(st.tuples(st.sampled_from([0.0, 1.5, 2.0]), st.integers(0, 3)), max_size=30), taken=st.integers(0, 9)
)
def test_the_queue_gives_its_entries_in_order(keys: list[tuple[float, int]], taken: int) -> None:
    queue = Queue()
    for key in keys:
        queue.push((key, 0, 0))
    got = [queue.pop()[0] for _ in range(min(taken, len(keys)))]
    assert got == sorted(keys)[: len(got)]
    queue.push(((1.0, 1), 0, 0))
    rest = sorted([*sorted(keys)[len(got) :], (1.0, 1)])
    assert [queue.pop()[0] for _ in rest] == rest


def test_equal_entries_leave_the_queue_in_the_order_of_its_moves() -> None:
    queue = Queue()
    for pixel in range(4):
        queue.push(((1.0, 0), pixel, pixel))
    # 0 leaves, 3 takes its place; 3 leaves, 2 takes its place; 2 leaves, 1 takes its place
    assert [queue.pop()[1] for _ in range(4)] == [0, 3, 2, 1]


def test_a_pixel_may_be_flooded_at_a_lower_cost_than_the_one_before_it() -> None:
    # Behind the wall of 6 from the left the valley of 0 costs 2 and 3, less than the wall: it is flooded before the
    # pixel of 5 on the right, which costs 6. If it had to cost 7 as the wall does, the right one would take it all.
    image = np.array([[0.0, 6, 0, 0, 6.5, 0]])
    markers = np.array([[1, 0, 0, 0, 0, 2]], dtype=np.int32)
    assert compact_watershed(image, markers).tolist() == [[1, 1, 1, 1, 2, 2]]


def test_on_flat_ground_a_pixel_belongs_to_the_nearest_marker() -> None:
    markers = np.zeros((21, 30), dtype=np.int32)
    markers[4, 5], markers[15, 24] = 1, 2
    rows, columns = np.mgrid[:21, :30]
    first, second = np.hypot(rows - 4, columns - 5), np.hypot(rows - 15, columns - 24)
    basins = compact_watershed(np.zeros((21, 30)), markers)
    np.testing.assert_array_equal(basins[first < second], 1)
    np.testing.assert_array_equal(basins[first > second], 2)


@given(
    image=hnp.arrays(
        dtype=np.float64, shape=hnp.array_shapes(min_dims=2, max_dims=2, max_side=10), elements=st.integers(0, 20)
    ),
    seed=st.integers(0, 100),
)
def test_basins_hold_their_markers_fill_the_frame_and_are_connected_to_them(
    image: npt.NDArray[np.float64], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    markers = rng.choice([0, 0, 0, 1, 2], size=image.shape).astype(np.int32)
    basins = compact_watershed(image, markers)
    np.testing.assert_array_equal(basins[markers > 0], markers[markers > 0])
    assert (basins > 0).all() == markers.any()
    for number in (1, 2):
        pieces = label(basins == number, connectivity=1)
        assert set(np.unique(pieces)) - {0} == set(np.unique(pieces[markers == number])) - {0}


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_dtype_of_equal_pixels_does_not_matter(dtype: str) -> None:
    image = cell()
    before = image.astype(dtype)
    given_image = before.copy()
    np.testing.assert_array_equal(watershed_mask(np.asfortranarray(given_image)), watershed_mask(image))
    watershed_mask(given_image)
    np.testing.assert_array_equal(given_image, before)  # it is left alone


@given(
    image=st.sampled_from([np.dtype(dtype) for dtype in DTYPES]).flatmap(
        lambda dtype: hnp.arrays(dtype=dtype, shape=hnp.array_shapes(min_dims=2, max_dims=2, max_side=10))
    )
)
def test_any_pixels_give_a_mask_of_large_enough_objects(image: AnyArray) -> None:
    mask = watershed_mask(image)
    assert mask.shape == image.shape
    assert mask.dtype == np.dtype(bool)
    assert mask.sum() == 0 or mask.sum() >= 20


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 30), (30, 30)])
def test_constant_pixels_have_no_object(shape: tuple[int, int], dtype: str) -> None:
    limits = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
    for value in (0, 1, limits.max, limits.min):
        assert not watershed_mask(np.full(shape, value, dtype=dtype)).any()


@pytest.mark.parametrize("scale", [0.1, 7 / 3, 1e-300, 1e300])
def test_a_plain_ramp_has_no_object_and_needs_no_bins(scale: float) -> None:
    ramp = np.add.outer(np.arange(2.0), np.arange(2.0)) * scale  # its four gradients differ by rounding at most
    assert not watershed_mask(ramp).any()


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_nan_and_infinite_pixels_have_no_object(hole: float) -> None:
    image = cell().astype(np.float64)
    image[3, 3] = hole
    assert not watershed_mask(image).any()


def test_no_pixels_have_no_object() -> None:
    assert watershed_mask(np.zeros((0, 4))).shape == (0, 4)


def test_negative_and_the_largest_pixels_of_float64_do_not_overflow() -> None:
    image = np.full((30, 30), -np.finfo(np.float64).max)
    image[10:20, 10:20] = np.finfo(np.float64).max
    mask = watershed_mask(image)
    assert mask[10:20, 10:20].all()
    assert not mask[:7].any()
