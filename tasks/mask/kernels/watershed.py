"""The mask ``watershed`` of many channels."""

import numpy as np

from tasks.core.kernels.bits import NONE, Bits, words_of
from tasks.core.kernels.compiled import compiled, inner
from tasks.core.types import BoolArray, FloatArray, IntArray, LabelArray
from tasks.mask.kernels.cleaning import SMALLEST_OBJECT, Scratch, above, allocate_scratch, drop, flip, paint
from tasks.mask.kernels.filters import all_finite, extremes, frame, framed_size, sobel, to_unit_scale
from tasks.mask.kernels.flood import OUTSIDE, flood, make_queue
from tasks.mask.kernels.histograms import BINS, MOST_PIXELS, best_split, count_into_bins
from tasks.mask.kernels.morphology import close, closed_size

HOLE_AREA = 300
"""Holes of fewer pixels are filled."""
FACTOR = 1 / 65535


@compiled
def mask_watershed(
    pixels: FloatArray,
    shapes: IntArray,
    channels: int,
    roots: IntArray,
    out: BoolArray,
    certain: BoolArray,
) -> None:
    """Mask the channels of a block as `tasks.mask.methods.watershed.watershed_mask` does.

    Parameters
    ----------
    pixels, shapes
        Of a `Block`.
    roots
        From `tasks.mask.kernels.flood_integral.distances`.
    out
        The result: flat masks, false before.
    certain
        (n, C), true before; the result: false where there are very many pixels. The plain code has to mask such a
        plane.
    """
    scratch = allocate_scratch(shapes)
    work = np.empty((3, closed_size(shapes)))
    largest = 1
    for cell in range(len(shapes)):
        largest = max(largest, shapes[cell, 0] * shapes[cell, 1])
    framed = framed_size(shapes, 1)
    image, labels, queue = np.empty(largest), np.empty(framed, np.int32), make_queue(framed)
    spare = np.zeros(scratch.bits.shape, np.uint64)
    start = 0
    for cell in range(len(shapes)):
        height, width = shapes[cell]
        size = height * width
        for channel in range(channels):
            plane = pixels[start : start + size]
            if size > 0 and all_finite(plane):
                certain[cell, channel] = size < MOST_PIXELS
                if certain[cell, channel] and _mark(plane, height, width, image, labels, work):
                    flood(plane, height, width, labels, queue, roots)
                    _finish(labels, height, width, image, spare, scratch)
                    paint(scratch.bits, height, width, out[start : start + size])
            start += size


@inner
def _mark(plane: FloatArray, height: int, width: int, image: FloatArray, labels: LabelArray, work: FloatArray) -> bool:
    """Mark where a plane is steep (2) and where it is flat (1); return whether there is any marker."""
    size = height * width
    to_unit_scale(plane, image[:size])
    for at in range(size):
        image[at] *= FACTOR
    frame(image, width, height, width, 1, work[0])
    stride = sobel(work[0], height, width, work[2])
    close(work[2], stride, height, width, work, image)
    steepness = image[:size]
    low, high = extremes(steepness)
    if high <= 1.5 * low:
        return False
    edges, centres, scratch = np.empty(BINS + 1), np.empty(BINS), np.empty(BINS)
    counts = np.empty(BINS, np.int64)
    count_into_bins(steepness, low, high, edges, counts)
    for at in range(BINS):
        centres[at] = (edges[at] + edges[at + 1]) / 2
    threshold = centres[best_split(counts, centres, BINS, scratch)]
    markers = 0
    labels[: (height + 2) * (width + 2)] = OUTSIDE
    for row in range(height):
        for column in range(width):
            steep = steepness[row * width + column]
            label = 2 if steep > 1.5 * threshold else int(steep < 0.5 * threshold)
            labels[(row + 1) * (width + 2) + column + 1] = label
            markers += int(label != 0)
    return markers > 0


@inner
def _finish(labels: LabelArray, height: int, width: int, image: FloatArray, spare: Bits, scratch: Scratch) -> None:
    """Take the highest label's basin; fill its small holes, let it grow by a pixel, drop small objects."""
    size = height * width
    highest = 0
    for row in range(height):
        for column in range(width):
            label = labels[(row + 1) * (width + 2) + column + 1]
            highest = max(highest, label)
            image[row * width + column] = label
    above(image[:size].reshape(height, width), highest - 0.5, scratch.bits)
    flip(height, width, scratch.bits)
    drop(height, width, HOLE_AREA, scratch)
    flip(height, width, scratch.bits)
    _grow(scratch.bits, height, width, spare)
    drop(height, width, SMALLEST_OBJECT, scratch)


@inner
def _grow(bits: Bits, height: int, width: int, spare: Bits) -> None:
    """Add the 4 neighbours of each pixel to a mask."""
    words = words_of(width)
    for row in range(height):
        for word in range(words):
            here = bits[row, word]
            grown = here | (here << np.uint64(1)) | (here >> np.uint64(1))
            if word > 0:
                grown |= bits[row, word - 1] >> np.uint64(63)
            if word < words - 1:
                grown |= bits[row, word + 1] << np.uint64(63)
            else:
                unused = np.uint64(64 * words - width)
                grown = (grown << unused) >> unused
            grown |= bits[row - 1, word] if row > 0 else NONE
            grown |= bits[row + 1, word] if row < height - 1 else NONE
            spare[row, word] = grown
    for row in range(height):
        for word in range(words):
            bits[row, word] = spare[row, word]
