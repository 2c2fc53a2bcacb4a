"""Boxes of the objects of a field, and windows cut out of it."""

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import compiled
from tasks.core.types import AnyArray, IntArray, LabelArray, Ragged


@compiled
def find_boxes(labels: LabelArray, rows: IntArray, boxes: LabelArray) -> None:
    """Find the bounding boxes of labels.

    Parameters
    ----------
    labels
        (H, W) int32.
    rows
        Row of `boxes` for each label, −1 where it is not wanted.
    boxes
        (K, 4) int32, zeros, the result: min row, min column, max row, max column, half open.
    """
    for row in range(labels.shape[0]):
        line = labels[row]
        for column in range(len(line)):
            label = line[column]
            if label > 0 and rows[label] >= 0:
                box = boxes[rows[label]]
                if box[2] == 0:
                    box[0], box[1], box[2], box[3] = row, column, row + 1, column + 1
                else:
                    box[1], box[2], box[3] = min(box[1], column), row + 1, max(box[3], column + 1)


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


def label_boxes(labels: LabelArray, numbers: npt.NDArray[np.integer]) -> LabelArray:
    """Return the (K, 4) half-open boxes (min row, min col, max row, max col) of the given labels; zeros if absent."""
    boxes = np.zeros((len(numbers), 4), dtype=np.int32)
    rows = np.full(max(int(labels.max(initial=0)), int(numbers.max(initial=0))) + 1, -1)
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
    return Ragged(flat=flat, shapes=shapes, planes=len(image))
