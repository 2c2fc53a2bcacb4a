"""The border rule, on masks worked by hand."""

import numpy as np
import pytest

from tasks.core.types import BoolArray
from tasks.mask import remove_border_objects


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
    kept = remove_border_objects(mask, share=share)
    objects = {1: kept[0, 2], 2: kept[0, 5], 3: kept[0, 9], 4: kept[3, 15]}
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
