"""Cleaning, the border rule, boxes and backgrounds, worked by hand."""

import math

import numpy as np
import pytest

from tasks.core.types import BoolArray
from tasks.mask import li_mask, remove_border_objects
from tasks.mask.channelwise import unit_range
from tasks.mask.cleaning import clean, count_regions
from tasks.mask.geometry import bounding_box, outside_mean


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
    mask[1:5, 1:6] = mask[10:14, 1:6] = True
    mask[10, 1] = False
    assert np.flatnonzero(clean(mask, hole_area=100).any(axis=1)).tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(("side", "left"), [(3, 36), (6, 72)])
def test_blobs_that_touch_by_a_corner_are_one_region_and_a_small_one_is_dropped(side: int, left: int) -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[2:8, 2:8] = mask[8 : 8 + side, 8 : 8 + side] = True
    cleaned = clean(mask, hole_area=100)
    assert (cleaned.sum(), count_regions(cleaned)) == (left, 1)


def test_the_unit_range_is_exact() -> None:
    image = np.array([[-7, 2**50], [5, 6]], dtype=np.int64)
    unit = unit_range(image)
    assert (unit.min(), unit.max() < 1) == (0.0, True)
    np.testing.assert_array_equal(unit * 2.0**51 - 7, image)


def drawn(*rows: str) -> BoolArray:
    return np.array([[pixel == "#" for pixel in row] for row in rows])


def pair(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[BoolArray, BoolArray]:
    return drawn(*before), drawn(*after)


EIGHT = pair(  # int(0.25·8) = 2 border pixels are allowed
    (
        "##....##",  # left: 3, as the corner counts in the row and in the column; right: 4
        "......#.",
        "#.......",  # 2
        "#.......",
        "...##...",
        "...##..#",  # 1
        "........",
        "..###...",  # 3
    ),
    (
        "........",
        "........",
        "#.......",
        "#.......",
        "...##...",
        "...##..#",
        "........",
        "........",
    ),
)
DIAGONAL = pair(  # int(0.25·5) = 1 border pixel is allowed, and one end lies on the frame
    (".....", ".....", "#....", ".#...", "..#..", "...#.", "....."),
    (".....", ".....", "#....", ".#...", "..#..", "...#.", "....."),
)
BOTH_ENDS = pair(  # pixels that touch by corners are one object, which has both ends on the frame
    (".....", "#....", ".#...", "..#..", "...#."),
    (".....", ".....", ".....", ".....", "....."),
)
CORNER = pair(  # one pixel, counted in its row and in its column
    ("#....", ".....", ".....", ".....", "....#"),
    (".....", ".....", ".....", ".....", "....."),
)
OBLONG = pair(  # the smaller side decides: int(0.25·4) = 1
    ("..#.....##", "..#.......", "..........", ".........."),
    ("..#.......", "..#.......", "..........", ".........."),
)
THIN = pair(  # one row is the first and the last: each of its pixels counts twice, and int(0.25·1) = 0
    ("..#..",),
    (".....",),
)
SMALL = pair(  # int(0.25·3) = 0: nothing may touch, and only the middle does not
    ("...", ".#.", "..."),
    ("...", ".#.", "..."),
)


@pytest.mark.parametrize(("before", "after"), [EIGHT, DIAGONAL, BOTH_ENDS, CORNER, OBLONG, THIN, SMALL])
def test_objects_with_too_many_border_pixels_are_removed(before: BoolArray, after: BoolArray) -> None:
    np.testing.assert_array_equal(remove_border_objects(before), after)
    np.testing.assert_array_equal(remove_border_objects(before.T), after.T)
    np.testing.assert_array_equal(remove_border_objects(before[::-1, ::-1]), after[::-1, ::-1])


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3), (20, 20)])
def test_a_full_frame_is_removed_and_an_empty_one_stays_empty(shape: tuple[int, int]) -> None:
    assert not remove_border_objects(np.ones(shape, dtype=bool)).any()
    assert not remove_border_objects(np.zeros(shape, dtype=bool)).any()


@pytest.mark.parametrize(
    ("share", "left"), [(0, [4]), (0.125, [1, 4]), (0.25, [1, 2, 4]), (0.5, [1, 2, 3, 4]), (None, [1, 2, 3, 4])]
)
def test_the_share_of_border_pixels_is_a_setting(share: float | None, left: list[int]) -> None:
    mask = np.zeros((8, 20), dtype=bool)
    mask[0, 2], mask[0, 5:7], mask[0, 9:12], mask[3:5, 15:18] = True, True, True, True
    cleaned = remove_border_objects(mask, share=share)
    objects = {1: cleaned[0, 2], 2: cleaned[0, 5], 3: cleaned[0, 9], 4: cleaned[3, 15]}
    assert [number for number, there in objects.items() if there] == left


def test_off_keeps_what_fills_the_frame() -> None:
    full = np.ones((5, 9), dtype=bool)
    assert not remove_border_objects(full, share=2.79).any()
    assert remove_border_objects(full, share=None).all()
    assert remove_border_objects(full, share=2 * (5 + 9) / 5).all()


def test_the_mask_given_is_left_alone() -> None:
    mask, _ = EIGHT
    before = mask.copy()
    remove_border_objects(mask)[:] = True
    np.testing.assert_array_equal(mask, before)
    empty = np.zeros((3, 3), dtype=bool)
    remove_border_objects(empty)[:] = True
    assert not empty.any()


def test_the_box_goes_around_the_masks_of_all_channels_half_open() -> None:
    masks = np.zeros((3, 6, 9), dtype=bool)
    masks[0, 2, 3:5] = True
    masks[2, 4:6, 8] = True
    assert bounding_box(masks) == (2, 3, 6, 9)
    assert bounding_box(masks[:1]) == (2, 3, 3, 5)
    assert bounding_box(np.zeros((2, 4, 4), dtype=bool)) == (0, 0, 0, 0)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int64", "uint64", "float16", "float32", "float64"])
def test_the_mean_outside_is_taken_in_float64(dtype: str) -> None:
    image = np.array([[100, 101, 7], [102, 7, 7]], dtype=dtype)
    assert outside_mean(image, image == 7) == 101.0
    bright = np.full((300, 300), 60000).astype("float16")  # the sum is beyond what it holds
    assert outside_mean(bright, np.zeros(bright.shape, dtype=bool)) == float(bright[0, 0])


def test_nothing_outside_is_nan_and_nan_counts_only_where_it_is_outside() -> None:
    assert math.isnan(outside_mean(np.ones((2, 2)), np.ones((2, 2), dtype=bool)))
    image = np.array([[math.nan, 1.0, 3.0]])
    assert outside_mean(image, np.isnan(image)) == 2.0
    assert math.isnan(outside_mean(image, ~np.isnan(image)))
