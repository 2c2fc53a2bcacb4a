"""Gaussian and Sobel filters whose every operation is that of scipy and scikit-image, in the same order."""

import math

import numpy as np

from tasks.core.kernels.compiled import compiled
from tasks.core.types import FloatArray, IntArray

SQRT2 = math.sqrt(2.0)
EXPONENT = np.uint64(0x7FF0000000000000)
"""Bits of a float64 number that are all set where it is NaN or infinite."""
BELOW_SIGN = np.int64(0x7FFFFFFFFFFFFFFF)
NO_SIGMA = 1e-15
"""Up to this scipy does not smooth."""


def half_kernel(sigma: float) -> FloatArray:
    """Weights of a Gaussian cut at four standard deviations, from its centre outwards.

    Parameters
    ----------
    sigma
        Standard deviation, px; 0: none.

    Returns
    -------
    FloatArray
        (radius + 1,) float64, as `scipy.ndimage.gaussian_filter1d` computes them.
    """
    if sigma <= NO_SIGMA:
        return np.ones(1)
    radius = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 / (sigma * sigma) * np.arange(-radius, radius + 1) ** 2)
    weights /= weights.sum()
    return np.asarray(weights[radius:], dtype=np.float64)


@compiled
def all_finite(values: FloatArray) -> bool:
    """Whether no value is NaN or infinite."""
    bits = values.view(np.uint64)
    special = False
    for at in range(len(bits)):
        special |= bits[at] & EXPONENT == EXPONENT
    return not special


@compiled
def extremes(values: FloatArray) -> tuple[float, float]:
    """Smallest and largest of at least one finite value.

    The bits of numbers order like whole numbers, once those below the sign of negative ones are turned round; whole
    numbers are compared several at a time.
    """
    bits = values.view(np.int64)
    low = high = bits[0] ^ ((bits[0] >> 63) & BELOW_SIGN)
    for at in range(len(bits)):
        key = bits[at] ^ ((bits[at] >> 63) & BELOW_SIGN)
        low, high = min(low, key), max(high, key)
    both = np.array([low ^ ((low >> 63) & BELOW_SIGN), high ^ ((high >> 63) & BELOW_SIGN)]).view(np.float64)
    return both[0], both[1]


@compiled
def times_power(values: FloatArray, exponent: int) -> None:
    """Multiply by two to a power, in two steps, because the power itself may be no float64 number."""
    first = exponent // 2
    factor, second = math.ldexp(1.0, first), math.ldexp(1.0, exponent - first)
    for at in range(len(values)):
        values[at] = values[at] * factor * second


@compiled
def to_unit_range(pixels: FloatArray, result: FloatArray) -> None:
    """Shift and scale flat, finite pixels as `tasks.mask.channelwise.unit_range` does."""
    low, high = extremes(pixels)
    low *= 0.5
    for at in range(len(pixels)):
        result[at] = pixels[at] * 0.5 - low
    times_power(result, -math.frexp(high * 0.5 - low)[1])


@compiled
def to_unit_scale(pixels: FloatArray, result: FloatArray) -> None:
    """Scale flat, finite pixels as `tasks.mask.channelwise.unit_scale` does."""
    low, high = extremes(pixels)
    result[:] = pixels
    times_power(result, -math.frexp(max(-low, high))[1])


@compiled
def framed_size(shapes: IntArray, radius: int) -> int:
    """Pixels of the largest framed image of a block; frames wider than its height and width together do not count."""
    most = 1
    for cell in range(len(shapes)):
        height, width = shapes[cell]
        margin = 2 * min(radius, height + width)
        most = max(most, (height + margin) * (width + margin))
    return most


@compiled
def frame(source: FloatArray, stride: int, height: int, width: int, radius: int, framed: FloatArray) -> None:
    """Copy an image and repeat its rim, `radius` pixels wide.

    Parameters
    ----------
    source
        Flat, pixel (r, c) at r·stride + c.
    framed
        The result: flat, ≥ (H + 2·radius)·(W + 2·radius).
    """
    # unsigned, because other indices are tested for being negative
    wide = np.uint64(width + 2 * radius)
    number, margin = np.uint64(width), np.uint64(radius)
    for row in range(height + 2 * radius):
        here = np.uint64(min(max(row - radius, 0), height - 1) * stride)
        there = np.uint64(row) * wide
        for at in range(margin):
            framed[there + at] = source[here]
            framed[there + margin + number + at] = source[here + np.uint64(width - 1)]
        there += margin
        for at in range(number):
            framed[there + at] = source[here + at]


@compiled
def smooth(framed: FloatArray, height: int, width: int, weights: FloatArray, work: FloatArray) -> int:
    """Gaussian filter, along the columns first; beyond the frame its nearest pixel is repeated.

    Parameters
    ----------
    framed
        From `frame` with the kernel's radius. The result takes its place: pixel (r, c) at r·stride + c.
    weights
        Half a kernel, as `half_kernel` returns it.
    work
        Scratch, as long as `framed`.

    Returns
    -------
    int
        The stride, W + 2·radius.
    """
    stride = width + 2 * (len(weights) - 1)
    _blend(framed, stride, height * stride, weights, work)
    _blend(work, 1, height * stride - (stride - width), weights, framed)
    return stride


@compiled
def _blend(source: FloatArray, step: int, size: int, weights: FloatArray, total: FloatArray) -> None:
    """Add what lies up to a radius of steps on either side; ends first, two pairs at a time.

    Parameters
    ----------
    source, total
        Flat; `total` receives `size` values, the first one that of the pixel radius · step.
    """
    radius = len(weights) - 1
    middle = radius * step
    _times(source[middle : middle + size], weights[0], total[:size])
    for ring in range(radius, 1, -2):
        first, second = middle - ring * step, middle + ring * step
        _add_pairs(
            total[:size],
            source[first : first + size],
            source[second : second + size],
            weights[ring],
            source[first + step : first + step + size],
            source[second - step : second - step + size],
            weights[ring - 1],
        )
    if radius % 2:
        first, second = middle - step, middle + step
        _add_pair(total[:size], source[first : first + size], source[second : second + size], weights[1])


@compiled
def _times(line: FloatArray, weight: float, result: FloatArray) -> None:
    for at in range(len(line)):
        result[at] = line[at] * weight


@compiled
def _add_pair(total: FloatArray, first: FloatArray, second: FloatArray, weight: float) -> None:
    """Add two lines that have the same weight."""
    for at in range(len(total)):
        total[at] += (first[at] + second[at]) * weight


@compiled
def _add_pairs(
    total: FloatArray,
    first: FloatArray,
    second: FloatArray,
    weight: float,
    third: FloatArray,
    fourth: FloatArray,
    next_weight: float,
) -> None:
    """Add two lines that have the same weight, then two of the next weight."""
    for at in range(len(total)):
        total[at] = (total[at] + (first[at] + second[at]) * weight) + (third[at] + fourth[at]) * next_weight


@compiled
def sobel(framed: FloatArray, height: int, width: int, result: FloatArray) -> int:
    """Magnitude of the Sobel gradient, √((down² + across²) / 2), the frame's pixels repeated once beyond it.

    Parameters
    ----------
    framed
        From `frame` with a radius of 1.
    result
        Flat, ≥ H·(W + 2): pixel (r, c) at r·stride + c.

    Returns
    -------
    int
        The stride, W + 2.
    """
    stride = width + 2
    size = height * stride
    _gradient(framed[:size], framed[stride : stride + size], framed[2 * stride : 2 * stride + size], result[: size - 2])
    return stride


@compiled
def _gradient(above: FloatArray, here: FloatArray, below: FloatArray, result: FloatArray) -> None:
    """Sobel magnitude of a line of pixels, of which three lines have two more at the end."""
    for at in range(len(result)):
        down = -0.25 * above[at] + -0.5 * above[at + 1] + -0.25 * above[at + 2]
        down = down + 0.25 * below[at] + 0.5 * below[at + 1] + 0.25 * below[at + 2]
        across = -0.25 * above[at] + 0.25 * above[at + 2] + -0.5 * here[at] + 0.5 * here[at + 2]
        across = across + -0.25 * below[at] + 0.25 * below[at + 2]
        result[at] = math.sqrt(down * down + across * across) / SQRT2
