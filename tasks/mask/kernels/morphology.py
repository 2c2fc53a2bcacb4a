"""Grey dilation and erosion with disks.

Beyond the frame there is nothing, which is the same as the image mirrored there: a mirrored pixel that a disk reaches
lies nearer to its centre inside the frame.
"""

import math

import numpy as np

from tasks.core.kernels.compiled import compiled
from tasks.core.types import FloatArray, IntArray


@compiled
def dilated_size(shapes: IntArray, radius: int) -> int:
    """Pixels of the largest image of a stack with its margins."""
    most = 1
    for cell in range(len(shapes)):
        height, width = shapes[cell]
        most = max(most, (height + 2 * min(radius, height)) * (width + 2 * min(radius, width)))
    return most


@compiled
def dilate(image: FloatArray, height: int, width: int, radius: int, work: FloatArray) -> None:  # noqa: C901
    """Replace each pixel by the largest one within a radius.

    A disk is a stack of lines. The maxima over longer and longer lines are made from one another, and each is used in
    all rows of the disk that are as long.

    Parameters
    ----------
    image
        (H·W,) float64, finite; the result takes its place.
    work
        (3, ≥ `dilated_size`) scratch.
    """
    down, across = min(radius, height), min(radius, width)
    stride = width + 2 * across
    padded, lines, result = work[0], work[1], work[2]
    size = (height + 2 * down) * stride
    for at in range(size):
        padded[at] = -np.inf
        result[at] = -np.inf
    for row in range(height):
        first = np.uint64((row + down) * stride + across)
        for at in range(np.uint64(width)):
            padded[first + at] = image[np.uint64(row * width) + at]
    for at in range(size):
        lines[at] = padded[at]
    done = down + 1
    for half in range(across + 1):
        if half > 0:
            inner = size - 2 * half
            _raise_to(lines[half : half + inner], padded[:inner])
            _raise_to(lines[half : half + inner], padded[2 * half : 2 * half + inner])
        # rows of the disk, from its ends, whose half length is this; the longest ones may be cut by the frame
        while done > 0 and (half == across or math.sqrt(radius * radius - (done - 1) * (done - 1)) < half + 1):
            done -= 1
            inner = size - 2 * done * stride
            target = result[done * stride : done * stride + inner]
            _raise_to(target, lines[:inner])
            if done > 0:
                _raise_to(target, lines[2 * done * stride : 2 * done * stride + inner])
    for row in range(height):
        first = np.uint64((row + down) * stride + across)
        for at in range(np.uint64(width)):
            image[np.uint64(row * width) + at] = result[first + at]


@compiled
def erode(image: FloatArray, height: int, width: int, radius: int, work: FloatArray) -> None:
    """Replace each pixel by the smallest one within a radius; as `dilate`."""
    for at in range(height * width):
        image[at] = -image[at]
    dilate(image, height, width, radius, work)
    for at in range(height * width):
        image[at] = -image[at]


@compiled
def _raise_to(values: FloatArray, least: FloatArray) -> None:
    for at in range(len(values)):
        values[at] = max(least[at], values[at])
