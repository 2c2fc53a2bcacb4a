"""The mask ``circle``."""

import numpy as np
import pytest

from tasks.mask import circle_mask


def test_it_is_a_disk_of_a_third_of_the_smaller_side_around_the_middle_pixel() -> None:
    mask = circle_mask(np.zeros((9, 12)))
    rows = ["............"] + ["......#....."] + ["....#####..."] * 2 + ["...#######.."]
    expected = np.array([[pixel == "#" for pixel in row] for row in [*rows, *rows[3:0:-1], "............"]])
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 9)])
def test_a_side_below_3_pixels_gives_one_pixel(shape: tuple[int, int]) -> None:
    mask = circle_mask(np.zeros(shape))
    assert np.argwhere(mask).tolist() == [[shape[0] // 2, shape[1] // 2]]
