"""Exact Euclidean distance transform, in two passes [1]_.

.. [1] Meijster, Roerdink & Hesselink, A general algorithm for computing distance transforms in linear time, in
   Mathematical Morphology and its Applications to Image and Signal Processing (2000) 331-340.
"""

import math

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import compiled, inner
from tasks.core.types import BoolArray, IntArray, LabelArray


@compiled
def distance(mask: BoolArray, out: npt.NDArray[np.float32]) -> None:
    """Distance of each pixel of a mask to the nearest one outside it, of which there is at least one.

    Parameters
    ----------
    mask
        (H, W).
    out
        (H, W), all 0.
    """
    height, width = mask.shape
    # along columns; more than any distance in the image where there is nothing outside the mask
    columns = np.zeros((height, width), np.int32)
    columns[0] = height + width
    _step(mask[0], columns[0], columns[0])
    for row in range(1, height):
        _step(mask[row], columns[row - 1], columns[row])
    for row in range(height - 2, -1, -1):
        _shorten(columns[row + 1], columns[row])
    centers, starts = np.empty(width, np.int64), np.empty(width, np.int64)
    for row in range(height):
        column = 0
        while column < width:
            if not mask[row, column]:
                column += 1
                continue
            start = column
            while column < width and mask[row, column]:
                column += 1
            # what lies beyond the pixel outside the mask that ends a run is farther than that pixel
            _run(columns[row], max(start - 1, 0), min(column + 1, width), out[row], centers, starts)


@inner
def _step(mask: BoolArray, above: LabelArray, here: LabelArray) -> None:
    for at in range(len(here)):
        here[at] = above[at] + 1 if mask[at] else 0


@inner
def _shorten(below: LabelArray, here: LabelArray) -> None:
    for at in range(len(here)):
        here[at] = min(here[at], below[at] + 1)


@inner
def _run(
    line: LabelArray,
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
    centers: IntArray,
    starts: IntArray,
) -> None:
    """Distance from each pixel of a run to the least of ``(x − c)² + line[c]²``, from the envelope of these parabolas.

    Parabola `centers[k]` is the least from column `starts[k]` on.
    """
    last = 0
    centers[0], starts[0] = start, start
    for center in range(start + 1, stop):
        square = np.int64(line[center]) * line[center] + center * center
        begin = start
        while last >= 0:
            other = centers[last]
            # where the new one falls below the last; the quotient is never so near to a whole number that it is rounded
            # to one
            rise = square - np.int64(line[other]) * line[other] - other * other
            begin = math.floor(rise / (2.0 * (center - other))) + 1
            if begin > starts[last]:
                break
            last -= 1
        if last < 0:
            begin = start
        if begin < stop:
            last += 1
            centers[last], starts[last] = center, max(begin, start)
    for column in range(stop - 1, start - 1, -1):
        while starts[last] > column:
            last -= 1
        away = column - centers[last]
        depth = np.int64(line[centers[last]])
        out[column] = math.sqrt(np.float64(away * away + depth * depth))
