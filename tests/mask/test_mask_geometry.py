"""Boxes and backgrounds, worked by hand."""

import math

import numpy as np
import pytest

from tasks.mask.geometry import bounding_box, outside_mean


def test_the_box_goes_around_the_masks_of_all_channels_half_open() -> None:
    masks = np.zeros((3, 6, 9), dtype=bool)
    masks[0, 2, 3:5] = True
    masks[2, 4:6, 8] = True
    assert bounding_box(masks) == (2, 3, 6, 9)
    assert bounding_box(masks[:1]) == (2, 3, 3, 5)


def test_the_box_of_empty_masks_is_zero() -> None:
    assert bounding_box(np.zeros((2, 4, 4), dtype=bool)) == (0, 0, 0, 0)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int64", "uint64", "float16", "float32", "float64"])
def test_the_mean_outside_is_taken_in_float64(dtype: str) -> None:
    image = np.array([[100, 101, 7], [102, 7, 7]], dtype=dtype)
    mask = image == 7
    assert outside_mean(image, mask) == 101.0


def test_a_large_bright_frame_does_not_overflow_its_dtype() -> None:
    image = np.full((300, 300), 60000, dtype=np.float16)
    assert outside_mean(image, np.zeros(image.shape, dtype=bool)) == float(image[0, 0])


def test_nothing_outside_is_nan() -> None:
    assert math.isnan(outside_mean(np.ones((2, 2)), np.ones((2, 2), dtype=bool)))


def test_nan_counts_only_where_it_is_outside() -> None:
    image = np.array([[math.nan, 1.0, 3.0]])
    assert outside_mean(image, np.isnan(image)) == 2.0
    assert math.isnan(outside_mean(image, ~np.isnan(image)))
