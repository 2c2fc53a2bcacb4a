"""The mask ``li`` of many channels."""

import math

import numpy as np

from tasks.core.kernels.compiled import compiled, reduction
from tasks.core.types import BoolArray, FloatArray, IntArray
from tasks.mask.kernels.cleaning import above, allocate_scratch, clean, paint
from tasks.mask.kernels.filters import all_finite, extremes, frame, framed_size, smooth, sobel, to_unit_range

MOST_STEPS = 1000
ROUNDING = 2.0**-52
LARGEST = np.int64(np.array([np.finfo(np.float64).max]).view(np.int64)[0])
"""Bits of the largest number."""


@compiled
def mask_li(
    pixels: FloatArray,
    shapes: IntArray,
    channels: int,
    weights: FloatArray,
    radii: IntArray,
    out: BoolArray,
    certain: BoolArray,
) -> None:
    """Mask the channels of a block as `tasks.mask.methods.li.li_mask` does.

    Parameters
    ----------
    pixels, shapes
        Of a `Block`.
    weights, radii
        (2, C, ≥ radius + 1) and (2, C): half kernels of the Gaussians before and after the gradient; radius −1: none.
    out
        The result: flat masks, false before.
    certain
        (n, C), true before; the result: false where rounding may decide over a pixel, or where a Gaussian is far wider
        than the stamp. The plain code has to mask such a plane.
    """
    scratch = allocate_scratch(shapes)
    work = np.empty((2, framed_size(shapes, max(1, radii.max()))))
    current, other = work[0], work[1]
    start = 0
    for cell in range(len(shapes)):
        height, width = shapes[cell]
        size = height * width
        for channel in range(channels):
            plane = pixels[start : start + size]
            before, after = radii[0, channel], radii[1, channel]
            if size > 0 and all_finite(plane):
                sure = max(before, after) <= height + width
                if sure:
                    to_unit_range(plane, other[:size])
                    stride = width
                    if before >= 0:
                        frame(other, stride, height, width, before, current)
                        stride = smooth(current, height, width, weights[0, channel, : before + 1], other)
                        current, other = other, current
                    frame(other, stride, height, width, 1, current)
                    stride = sobel(current, height, width, other)
                    if after >= 0:
                        frame(other, stride, height, width, after, current)
                        stride = smooth(current, height, width, weights[1, channel, : after + 1], other)
                        current, other = other, current
                    frame(other, stride, height, width, 0, current)
                    threshold, sure = li_threshold(current[:size], other[:size])
                    if sure and threshold < np.inf:
                        above(current[:size].reshape(height, width), threshold, scratch.bits)
                        clean(height, width, size / 4, scratch)
                        paint(scratch.bits, height, width, out[start : start + size])
                certain[cell, channel] = sure
            start += size


@compiled
def li_threshold(gradient: FloatArray, shifted: FloatArray) -> tuple[float, bool]:
    """Find Li's threshold of flat pixels, and say whether it separates them as that of scikit-image does for sure.

    Li's iteration alternates between the pixels above a threshold and the logarithmic mean of the two sides' means. Its
    sums are taken in any order here; so each threshold comes with a bound of its error, and where a pixel lies within
    it, or where the end of the iteration hangs on the smallest difference between two pixels, nothing is sure.

    Parameters
    ----------
    gradient
        (n,) float64, n ≥ 1.
    shifted
        (n,) scratch.

    Returns
    -------
    threshold : float
        +inf where all pixels are equal.
    sure : bool
    """
    low, high = extremes(gradient)
    if low == high:
        return np.inf, True
    count = len(gradient)
    for at in range(count):
        shifted[at] = gradient[at] - low
    gap = _small_difference(shifted)
    total, _, _, _, _ = _split(shifted, -1.0)
    threshold = total / count
    error = threshold * 2 * count * ROUNDING
    before, before_error = -1.0, 0.0
    for step in range(MOST_STEPS):
        upper, lower, number, last, first = _split(shifted, threshold)
        if not (last < threshold - error and threshold + error < first):
            return 0.0, False
        gap = min(gap, first - last)
        if step > 0 and abs(threshold - before) - error - before_error <= 0.5 * gap:
            return 0.0, False
        if lower == 0.0:
            break
        front, back = upper / number, lower / (count - number)
        logs = math.log(back), math.log(front)
        before, before_error = threshold, error
        threshold = (back - front) / (logs[0] - logs[1])
        relative = 2 * count * (front + back) / (front - back) + 4 * (abs(logs[0]) + abs(logs[1]) + 2) / (
            logs[1] - logs[0]
        )
        error = threshold * (relative + 8) * ROUNDING
        if last < threshold - error and threshold + error < first:
            break  # the same pixels above: the next threshold is this one
    else:
        return 0.0, False
    level = threshold + low
    error += 4 * (abs(level) + high) * ROUNDING
    # `last` and `first` are the pixels next to the threshold
    return level, bool(last + low + error < level < first + low - error)


@reduction
def _split(values: FloatArray, threshold: float) -> tuple[float, float, int, float, float]:
    """Sum what is above a threshold and what is not; count the former; find the largest below and the smallest above.

    Values are at least 0, so that their bits order like the numbers.
    """
    bits = values.view(np.int64)
    upper = lower = number = 0.0
    last, first = np.int64(0), LARGEST
    for at in range(len(values)):
        value, key = values[at], bits[at]
        beyond = value > threshold
        upper += value if beyond else 0.0
        lower += 0.0 if beyond else value
        number += 1.0 if beyond else 0.0
        last = max(last, np.int64(0) if beyond else key)
        first = min(first, key if beyond else LARGEST)
    both = np.array([last, first]).view(np.float64)
    return upper, lower, int(number), both[0], both[1]


@compiled
def _small_difference(values: FloatArray) -> float:
    """Smallest difference, but 0, between one value and the next in the array: not below that between any two."""
    least = LARGEST
    difference = np.empty(1)
    bits = difference.view(np.int64)
    for at in range(len(values) - 1):
        difference[0] = abs(values[at + 1] - values[at])
        least = min(least, bits[0] if bits[0] > 0 else LARGEST)
    bits[0] = least
    return float(difference[0])
