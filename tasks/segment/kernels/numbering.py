"""Passes over labels, or over images, that look at each pixel once."""

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import compiled
from tasks.core.types import BoolArray, IntArray, LabelArray

Line = npt.NDArray[np.float32]
"""(N,) float32."""


@compiled
def greatest(labels: LabelArray) -> int:
    """Greatest of flat labels; 0 where there are none."""
    most = np.int32(0)
    for at in range(len(labels)):
        most = max(most, labels[at])
    return int(most)


@compiled
def count_areas(labels: LabelArray, out: IntArray) -> None:
    """Count the pixels of each of flat labels; `out`, of max + 1, is all 0."""
    for at in range(len(labels)):
        out[labels[at]] += 1


@compiled
def keep_above(labels: LabelArray, image: Line, least: Line, out: LabelArray) -> None:
    """Keep flat labels k where the image is above ``least[k]``; `out` is all 0."""
    for at in range(len(labels)):
        if labels[at] != 0 and image[at] > least[labels[at]]:
            out[at] = labels[at]


@compiled
def raster_order(labels: LabelArray, keep: BoolArray, out: LabelArray) -> None:
    """Renumber flat labels k for which ``keep[k]``, of max + 1, by their first pixel; `out` is all 0."""
    numbers = np.zeros(len(keep), np.int32)
    count = 0
    for at in range(len(labels)):
        label = labels[at]
        if label != 0 and keep[label]:
            if numbers[label] == 0:
                count += 1
                numbers[label] = count
            out[at] = numbers[label]


@compiled
def relabel(labels: LabelArray, numbers: LabelArray, out: LabelArray) -> None:
    """Look flat labels up."""
    for at in range(len(labels)):
        out[at] = numbers[labels[at]]
