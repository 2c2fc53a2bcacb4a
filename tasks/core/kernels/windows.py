"""Boxes of the objects of a field, and windows cut out of it."""

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import any_order, compiled
from tasks.core.types import AnyArray, BoolArray, IntArray, LabelArray, Ragged

STRIDE = 32
"""Labels of a row that are looked at together: most of a field belongs to no object."""


@compiled
def find_boxes(labels: LabelArray, rows: IntArray, boxes: LabelArray) -> None:
    """Find the bounding boxes of labels.

    Parameters
    ----------
    labels
        (H, W) int32.
    rows
        Row of `boxes` for each label, −1 where it is not wanted; nor are larger ones.
    boxes
        (K, 4) int32, zeros, the result: min row, min column, max row, max column, half open.
    """
    height, width = labels.shape
    for row in range(height):
        for first in range(0, width, STRIDE):
            line = labels[row, first : first + STRIDE]
            if _any(line):
                for place in range(len(line)):
                    label, column = line[place], first + place
                    if 0 < label < len(rows) and rows[label] >= 0:
                        box = boxes[rows[label]]
                        if box[2] == 0:
                            box[0], box[1], box[2], box[3] = row, column, row + 1, column + 1
                        else:
                            box[1], box[2], box[3] = min(box[1], column), row + 1, max(box[3], column + 1)


@any_order
def _any(labels: LabelArray) -> bool:
    """Whether one of some labels is not 0."""
    bits = np.int32(0)
    for at in range(len(labels)):
        bits |= labels[at]
    return bool(bits != 0)


@compiled
def copy_windows(image: AnyArray, windows: IntArray, flat: AnyArray) -> None:
    """Copy windows of an image end to end.

    Parameters
    ----------
    image
        (C, H, W) of unsigned integers.
    windows
        (N, 4) int64, boxes within the image.
    flat
        The result, (C, Hᵢ, Wᵢ) per window.
    """
    at = 0
    for window in range(len(windows)):
        top, left, bottom, right = windows[window, 0], windows[window, 1], windows[window, 2], windows[window, 3]
        for channel in range(len(image)):
            for row in range(top, bottom):
                source, target = image[channel, row, left:right], flat[at : at + right - left]
                for column in range(len(source)):
                    target[column] = source[column]
                at += right - left


@compiled
def mark_windows(labels: LabelArray, windows: IntArray, numbers: LabelArray, flat: BoolArray) -> None:
    """Tell in each window of a label image which pixels have its own label.

    Parameters
    ----------
    labels
        (H, W) int32.
    windows
        (N, 4) int64, boxes within the image.
    numbers
        (N,) int32.
    flat
        The result, (Hᵢ, Wᵢ) per window.
    """
    at = 0
    for window in range(len(windows)):
        top, left, bottom, right = windows[window, 0], windows[window, 1], windows[window, 2], windows[window, 3]
        number = numbers[window]
        for row in range(top, bottom):
            source, target = labels[row, left:right], flat[at : at + right - left]
            for column in range(len(source)):
                target[column] = source[column] == number
            at += right - left


def label_boxes(labels: LabelArray, numbers: npt.NDArray[np.integer]) -> LabelArray:
    """Return the (K, 4) half-open boxes (min row, min col, max row, max col) of the given labels; zeros if absent."""
    boxes = np.zeros((len(numbers), 4), dtype=np.int32)
    rows = np.full(int(numbers.max(initial=0)) + 1, -1)
    rows[numbers] = np.arange(len(numbers))
    find_boxes(np.ascontiguousarray(labels, dtype=np.int32), rows, boxes)
    return boxes


def cut_windows(image: AnyArray, windows: IntArray) -> Ragged:
    """Cut windows out of an image.

    Parameters
    ----------
    image
        (C, H, W) of any type of 1, 2, 4 or 8 bytes.
    windows
        (N, 4) int64, half-open boxes within the image.
    """
    shapes = windows[:, 2:] - windows[:, :2]
    flat = np.empty(int(shapes.prod(axis=1).sum()) * len(image), dtype=image.dtype)
    # what the bytes mean does not matter here, and each type would be compiled anew
    kind = np.dtype(f"u{image.dtype.itemsize}")
    copy_windows(np.ascontiguousarray(image).view(kind), windows, flat.view(kind))
    return Ragged(flat=flat, shapes=shapes, n_channels=len(image))


def cut_masks(labels: LabelArray, windows: IntArray, numbers: LabelArray) -> Ragged:
    """Cut the mask of one label out of each window of an image.

    Parameters
    ----------
    labels
        (H, W).
    windows
        (N, 4) int64, half-open boxes within the image.
    numbers
        (N,) int32.
    """
    shapes = windows[:, 2:] - windows[:, :2]
    flat = np.empty(int(shapes.prod(axis=1).sum()), dtype=np.bool_)
    mark_windows(np.ascontiguousarray(labels, dtype=np.int32), windows, numbers, flat)
    return Ragged(flat=flat, shapes=shapes, n_channels=1)
