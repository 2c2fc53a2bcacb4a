"""Boxes of labels and windows of a field, against SciPy and slices."""

import numpy as np
import pytest
from scipy import ndimage

from tasks.core.kernels.windows import cut_masks, cut_windows, label_boxes
from tasks.core.types import AnyArray, LabelArray


def labels_of(height: int, width: int) -> LabelArray:
    """Labels 1 to 40 strewn over a field that is mostly empty, so that boxes overlap and objects touch."""
    rng = np.random.default_rng(height * width)
    labels = np.zeros((height, width), dtype=np.int32)
    for number in range(1, 41):
        row, column = rng.integers(0, height), rng.integers(0, width)
        labels[row : row + rng.integers(1, 9), column : column + rng.integers(1, 90)] = number
    return labels


@pytest.mark.parametrize("shape", [(1, 1), (3, 31), (40, 32), (50, 33), (90, 500)])
def test_boxes_are_those_of_the_pixels(shape: tuple[int, int]) -> None:
    labels = labels_of(*shape)
    expected = np.zeros((40, 4), dtype=np.int32)
    for number, slices in enumerate(ndimage.find_objects(labels, max_label=40)):
        if slices is not None:
            expected[number] = slices[0].start, slices[1].start, slices[0].stop, slices[1].stop
    np.testing.assert_array_equal(label_boxes(labels, np.arange(1, 41)), expected)
    # of some, in another order, and with one that is larger than every label
    np.testing.assert_array_equal(label_boxes(labels, np.array([50, 7, 2]))[1:], expected[[6, 1]])
    assert not label_boxes(labels, np.array([50])).any()


def test_labels_beyond_the_wanted_ones_are_passed_over() -> None:
    labels = np.array([[9, 9, 2, -1, 2**31 - 1]], dtype=np.int32)
    assert label_boxes(labels, np.array([2], dtype=np.int32)).tolist() == [[0, 2, 1, 3]]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_windows_and_masks_are_slices(dtype: type) -> None:
    labels = labels_of(60, 200)
    image: AnyArray = np.random.default_rng(5).normal(scale=50, size=(3, 60, 200)).astype(dtype)
    windows = np.array([[0, 0, 60, 200], [3, 5, 4, 6], [10, 20, 30, 160], [8, 8, 8, 8]], dtype=np.int64)
    numbers = np.array([4, 1, 20, 2], dtype=np.int32)
    pixels, masks = cut_windows(image, windows).unstack(), cut_masks(labels, windows, numbers).unstack()
    for got, mask, number, (top, left, bottom, right) in zip(pixels, masks, numbers, windows, strict=True):
        np.testing.assert_array_equal(got, image[:, top:bottom, left:right])
        np.testing.assert_array_equal(mask, labels[np.newaxis, top:bottom, left:right] == number)
