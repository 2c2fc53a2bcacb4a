"""What the masks ``otsu``, ``watershed`` and ``spot`` are made of, by hand and against their definitions."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError
from skimage.filters import rank
from skimage.measure import label
from skimage.morphology import disk

from tasks.core.types import AnyArray, Batch, FloatArray
from tasks.mask import Mask, Spot, mask_batch, spot_mask, watershed_mask
from tasks.mask.compact_watershed import Queue, compact_watershed
from tasks.mask.methods.otsu import grey_levels
from tasks.mask.methods.spot import top_hat
from tasks.mask.rank_median import rank_median, sorted_median


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


def images(*, side: int, top: int) -> st.SearchStrategy[npt.NDArray[np.uint16]]:
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=side)
    return hnp.arrays(np.uint16, shapes, elements=st.integers(0, top))


@given(image=images(side=12, top=65535))
def test_levels_are_exact_fractions_of_the_range(image: npt.NDArray[np.uint16]) -> None:
    image[0, 0] = max(image[0, 0], 513)
    shifted = image.astype(np.int64) - int(image.min())
    span = int(shifted.max())
    expected = 512 * shifted // span + 1 if span else np.full(image.shape, 513)
    np.testing.assert_array_equal(grey_levels(image), expected)


@given(image=images(side=15, top=1023), radius=st.integers(1, 6))
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


def square(side: int) -> AnyArray:
    image = np.zeros((60, 60))
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


@given(image=images(side=10, top=20), seed=st.integers(0, 100))
def test_basins_hold_their_markers_fill_the_frame_and_are_connected_to_them(
    image: npt.NDArray[np.uint16], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    markers = rng.choice([0, 0, 0, 1, 2], size=image.shape).astype(np.int32)
    basins = compact_watershed(image.astype(np.float64), markers)
    np.testing.assert_array_equal(basins[markers > 0], markers[markers > 0])
    assert (basins > 0).all() == markers.any()
    for number in (1, 2):
        pieces = label(basins == number, connectivity=1)
        assert set(np.unique(pieces)) - {0} == set(np.unique(pieces[markers == number])) - {0}


@pytest.mark.parametrize("scale", [0.1, 7 / 3, 1e-300, 1e300])
def test_a_plain_ramp_has_no_object_and_needs_no_bins(scale: float) -> None:
    ramp = np.add.outer(np.arange(2.0), np.arange(2.0)) * scale  # its four gradients differ by rounding at most
    assert not watershed_mask(ramp).any()


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
    positions = [(1, 1), (1, 5), (1, 9), (5, 3)]
    for number, place in enumerate(positions):
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
