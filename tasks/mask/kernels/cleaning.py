"""Small holes and objects of masks that are rows of bits."""

from typing import NamedTuple

import numpy as np

from tasks.core.kernels.bits import ALL, NONE, ONE, WORD, Bits, Runs, find_runs, most_runs, words_of
from tasks.core.kernels.compiled import compiled
from tasks.core.kernels.components import label_runs
from tasks.core.types import BoolArray, FloatArray, IntArray

SMALLEST_OBJECT = 20
"""Pixels of the smallest object that is kept."""


class Scratch(NamedTuple):
    """Scratch for one mask: its bits, its runs, and a label and a count per run."""

    bits: Bits
    runs: Runs
    labels: IntArray
    counts: IntArray


@compiled
def allocate_scratch(shapes: IntArray) -> Scratch:
    """Allocate scratch for the largest mask of a block."""
    height = words = most = 1
    for cell in range(len(shapes)):
        height, words = max(height, shapes[cell, 0]), max(words, words_of(shapes[cell, 1]))
        most = max(most, most_runs(shapes[cell, 0], shapes[cell, 1]))
    return Scratch(
        np.zeros((height, words), np.uint64),
        np.empty((most, 3), np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
    )


@compiled
def above(image: FloatArray, threshold: float, bits: Bits) -> None:
    """Mask the pixels of an image (H, W) that are above a threshold."""
    height, width = image.shape
    for row in range(height):
        line = image[row]
        for word in range(words_of(width)):
            packed = NONE
            part = line[word * WORD : min(width, (word + 1) * WORD)]
            for at in range(len(part)):
                packed |= np.uint64(part[at] > threshold) << np.uint64(at)
            bits[row, word] = packed


@compiled
def clean(height: int, width: int, hole_area: float, scratch: Scratch) -> None:
    """Fill small holes, then drop small objects, as `tasks.mask.cleaning.clean` does, in the bits of the scratch."""
    flip(height, width, scratch.bits)
    drop(height, width, hole_area, scratch)
    flip(height, width, scratch.bits)
    drop(height, width, SMALLEST_OBJECT, scratch)


@compiled
def flip(height: int, width: int, bits: Bits) -> None:
    """Turn a mask into what it leaves out."""
    words = words_of(width)
    last = ALL >> np.uint64(WORD * words - width)
    for row in range(height):
        for word in range(words):
            bits[row, word] = ~bits[row, word] & (last if word == words - 1 else ALL)


@compiled
def drop(height: int, width: int, area: float, scratch: Scratch) -> None:
    """Drop the 4-connected objects of fewer than `area` pixels from the bits of the scratch."""
    bits, runs, labels, counts = scratch
    number = find_runs(bits, height, width, runs)
    # label_runs joins runs whose columns overlap or touch; told of each run's last column in place of its end, only
    # those that overlap
    for run in range(number):
        runs[run, 2] -= 1
    objects = label_runs(runs, number, labels)
    counts[:objects] = 0
    for run in range(number):
        counts[labels[run]] += runs[run, 2] + 1 - runs[run, 1]
    for run in range(number):
        if counts[labels[run]] < area:
            clear(bits[runs[run, 0]], runs[run, 1], runs[run, 2] + 1)


@compiled
def clear(line: Bits, first: int, stop: int) -> None:
    """Take the columns from `first` to `stop` out of a row of bits."""
    while first < stop:
        word = first // WORD
        end = min(stop, (word + 1) * WORD)
        ones = ALL >> np.uint64(WORD - (end - first))
        line[word] &= ~(ones << np.uint64(first - word * WORD))
        first = end


@compiled
def paint(bits: Bits, height: int, width: int, mask: BoolArray) -> None:
    """Write a mask's pixels one by one; `mask` is flat."""
    for row in range(height):
        line = mask[row * width : (row + 1) * width]
        for word in range(words_of(width)):
            part = line[word * WORD : min(width, (word + 1) * WORD)]
            here = bits[row, word]
            for at in range(len(part)):
                part[at] = (here >> np.uint64(at)) & ONE != NONE
