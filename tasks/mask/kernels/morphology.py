"""Grey dilation and erosion with disks.

Beyond the frame there is nothing, which is the same as the image mirrored there: a mirrored pixel that a disk reaches
lies nearer to its centre inside the frame.
"""

import math

import numpy as np

from tasks.core.kernels.compiled import compiled, inner, reduction
from tasks.core.types import FloatArray, IntArray


@compiled
def dilated_size(shapes: IntArray, radius: int) -> int:
    """Pixels of the largest image of a block with its margins."""
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


@inner
def closed_size(shapes: IntArray) -> int:
    """Pixels of the largest image of a block with the margins that `close` makes."""
    most = 1
    for cell in range(len(shapes)):
        most = max(most, (shapes[cell, 0] + 4) * (shapes[cell, 1] + 4))
    return most


@inner
def close(source: FloatArray, stride: int, height: int, width: int, work: FloatArray, image: FloatArray) -> None:
    """Grey closing with a disk of radius 2: a dilation, then an erosion, which is the dilation of the negative.

    Parameters
    ----------
    source
        Flat, finite, pixel (r, c) at r·stride + c.
    work
        (2, ≥ `closed_size`) scratch.
    image
        (H·W,), the result.
    """
    wide = width + 4
    size = height * wide
    framed, widest = work[0], work[1]
    for turn in range(2):
        framed[: (height + 4) * wide] = -np.inf
        for row in range(height):
            to = framed[(row + 2) * wide + 2 : (row + 2) * wide + 2 + width]
            if turn == 0:
                _copy(source[row * stride : row * stride + width], to)
            else:
                _negate(widest[row * wide : row * wide + width], to)
        _widen(
            framed[:size],
            framed[wide : wide + size],
            framed[2 * wide : 2 * wide + size],
            framed[3 * wide : 3 * wide + size],
            framed[4 * wide : 4 * wide + size],
            widest[: size - 4],
        )
    for row in range(height):
        _negate(widest[row * wide : row * wide + width], image[row * width : (row + 1) * width])


@reduction
def _widen(
    first: FloatArray, second: FloatArray, third: FloatArray, fourth: FloatArray, fifth: FloatArray, result: FloatArray
) -> None:
    """Largest of the 13 pixels of a disk along a line, from five lines that have four more at the end."""
    for at in range(len(result)):
        near = max(second[at + 1], second[at + 2], second[at + 3], first[at + 2])
        other = max(fourth[at + 1], fourth[at + 2], fourth[at + 3], fifth[at + 2])
        across = max(third[at], third[at + 1], third[at + 3], third[at + 4])
        result[at] = max(near, other, across, third[at + 2])


@inner
def _copy(values: FloatArray, result: FloatArray) -> None:
    for at in range(len(values)):
        result[at] = values[at]


@inner
def _negate(values: FloatArray, result: FloatArray) -> None:
    for at in range(len(values)):
        result[at] = -values[at]
