"""Filters in float32: every operation in one order, so that all processors round alike."""

import math

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import compiled, inner
from tasks.core.types import AnyArray, FloatArray

Line = npt.NDArray[np.float32]
"""(N,) float32."""
Image = npt.NDArray[np.float32]
"""(H, W) float32."""

EXPONENT = np.uint64(0x7FF0000000000000)
"""Bits of a float64 number that are all set where it is NaN or infinite."""


@compiled
def scale_integers(plane: AnyArray, out: Line) -> bool:
    """Scale flat whole numbers to 0..1; tell whether they are not all equal."""
    low, high = plane[0], plane[0]
    for at in range(plane.size):
        low, high = min(low, plane[at]), max(high, plane[at])
    if low == high:
        return False
    least, span = np.float64(low), np.float64(high) - np.float64(low)
    for at in range(plane.size):
        out[at] = np.float32((np.float64(plane[at]) - least) / span)
    return True


@compiled
def scale_floats(plane: FloatArray, out: Line) -> tuple[bool, bool]:
    """Scale flat numbers to 0..1, those that are not finite to 0.

    Returns
    -------
    contrast : bool
        Whether the finite ones are not all equal.
    finite : bool
        Whether all are.
    """
    bits = plane.view(np.uint64)
    low, high = np.inf, -np.inf
    count = 0
    for at in range(plane.size):
        if bits[at] & EXPONENT != EXPONENT:
            low, high = min(low, plane[at]), max(high, plane[at])
            count += 1
    if not low < high:
        return False, count == plane.size
    # halved, so that the range of the largest floats does not overflow; exact, as is every scaling by a power of two
    least, span = low / 2, high / 2 - low / 2
    for at in range(plane.size):
        value = plane[at] if bits[at] & EXPONENT != EXPONENT else low
        out[at] = np.float32((value / 2 - least) / span)
    return True, count == plane.size


@inner
def mirrored(index: int, size: int) -> int:
    """Where a pixel beyond the frame is mirrored to: d c b a | a b c d | d c b a."""
    index %= 2 * size
    return min(index, 2 * size - 1 - index)


@compiled
def blur(image: Image, down: Line, across: Line, out: Image) -> None:
    """Filter by symmetric weights, given from the center outwards: along columns, then along rows."""
    height, width = image.shape
    radius = len(across) - 1
    line = np.empty(width + 2 * radius, np.float32)
    middle = line[radius : radius + width]
    for row in range(height):
        _start(image[row], down[0], middle)
        ring = 1
        while ring < len(down):
            if ring + 1 < len(down):
                _add_pairs(
                    middle,
                    image[mirrored(row - ring, height)],
                    image[mirrored(row + ring, height)],
                    down[ring],
                    image[mirrored(row - ring - 1, height)],
                    image[mirrored(row + ring + 1, height)],
                    down[ring + 1],
                )
            else:
                _add_pair(middle, image[mirrored(row - ring, height)], image[mirrored(row + ring, height)], down[ring])
            ring += 2
        for at in range(1, radius + 1):
            line[radius - at] = middle[mirrored(-at, width)]
            line[radius + width - 1 + at] = middle[mirrored(width - 1 + at, width)]
        _start(middle, across[0], out[row])
        ring = 1
        while ring <= radius:
            first, second = line[radius - ring :], line[radius + ring :]
            if ring < radius:
                third, fourth = line[radius - ring - 1 :], line[radius + ring + 1 :]
                _add_pairs(out[row], first, second, across[ring], third, fourth, across[ring + 1])
            else:
                _add_pair(out[row], first, second, across[ring])
            ring += 2


@inner
def _start(line: Line, weight: float, total: Line) -> None:
    for at in range(len(total)):
        total[at] = line[at] * weight


@inner
def _add_pair(total: Line, first: Line, second: Line, weight: float) -> None:
    for at in range(len(total)):
        total[at] += (first[at] + second[at]) * weight


@inner
def _add_pairs(
    total: Line, first: Line, second: Line, weight: float, third: Line, fourth: Line, next_weight: float
) -> None:
    """Add two lines that have the same weight, then two of the next weight."""
    for at in range(len(total)):
        total[at] = (total[at] + (first[at] + second[at]) * weight) + (third[at] + fourth[at]) * next_weight


@compiled
def shrink(image: Image, out: Image) -> None:
    """Replace an image by the means of (h, w) blocks of equal size, which may cut pixels; `out` is all 0."""
    height, width = image.shape
    rows, columns = out.shape
    line = np.empty(width, np.float32)
    for row in range(rows):
        line[:] = np.float32(0)
        top, bottom = row * height / rows, (row + 1) * height / rows
        for source in range(int(top), min(math.ceil(bottom), height)):
            part = np.float32((min(source + 1.0, bottom) - max(np.float64(source), top)) / (bottom - top))
            _add(line, image[source], part)
        for column in range(columns):
            left, right = column * width / columns, (column + 1) * width / columns
            total = np.float32(0)
            for source in range(int(left), min(math.ceil(right), width)):
                part = np.float32((min(source + 1.0, right) - max(np.float64(source), left)) / (right - left))
                total += line[source] * part
            out[row, column] = total


@inner
def _add(total: Line, line: Line, weight: np.float32) -> None:
    for at in range(len(total)):
        total[at] += line[at] * weight


@compiled
def stretch(image: Image, out: Image) -> None:
    """Interpolate linearly between the centers of blocks, the inverse of `shrink`; constant beyond the outermost."""
    rows, columns = image.shape
    height, width = out.shape
    lefts, parts = np.empty(width, np.int64), np.empty(width, np.float32)
    for column in range(width):
        lefts[column], parts[column] = _place(column, width, columns)
    lines = np.empty((2, width), np.float32)
    first = -1
    for row in range(height):
        top, part = _place(row, height, rows)
        if top != first:
            first = top
            for side in range(2):
                source = image[min(top + side, rows - 1)]
                for column in range(width):
                    left = source[lefts[column]]
                    right = source[min(lefts[column] + 1, columns - 1)]
                    lines[side, column] = left + (right - left) * parts[column]
        _between(lines[0], lines[1], part, out[row])


@inner
def _place(index: int, size: int, blocks: int) -> tuple[int, np.float32]:
    """Block whose center lies at or before that of a pixel, and how far it is to the next one, from 0 to 1."""
    place = min(max((index + 0.5) * blocks / size - 0.5, 0.0), blocks - 1.0)
    return int(place), np.float32(place - int(place))


@inner
def _between(first: Line, second: Line, part: np.float32, out: Line) -> None:
    for at in range(len(out)):
        out[at] = first[at] + (second[at] - first[at]) * part


@compiled
def second_differences(image: Image, out: Image) -> None:
    """Magnitude of the response to [1 −2 1] along columns and rows, over 6."""
    height, width = image.shape
    line = np.empty(width + 2, np.float32)
    for row in range(height):
        above, here, below = image[max(row - 1, 0)], image[row], image[min(row + 1, height - 1)]
        _difference(above, here, below, line[1 : width + 1])
        line[0], line[width + 1] = line[1], line[width]
        _absolute_difference(line[:width], line[1 : width + 1], line[2:], out[row])


@inner
def _difference(above: Line, here: Line, below: Line, out: Line) -> None:
    for at in range(len(out)):
        out[at] = (above[at] + below[at]) - np.float32(2) * here[at]


@inner
def _absolute_difference(left: Line, here: Line, right: Line, out: Line) -> None:
    for at in range(len(out)):
        out[at] = abs((left[at] + right[at]) - np.float32(2) * here[at]) * np.float32(1 / 6)


@compiled
def sobel(image: Image, out: Image) -> None:
    """Magnitude of the gradient, √((down² + across²) / 2), of the mean differences over two pixels."""
    height, width = image.shape
    sums, differences = np.empty(width + 2, np.float32), np.empty(width + 2, np.float32)
    for row in range(height):
        above, here, below = image[max(row - 1, 0)], image[row], image[min(row + 1, height - 1)]
        _sobel_columns(above, here, below, sums[1 : width + 1], differences[1 : width + 1])
        for line in (sums, differences):
            line[0], line[width + 1] = line[1], line[width]
        _sobel_rows(sums[:width], sums[2:], differences, out[row])


@inner
def _sobel_columns(above: Line, here: Line, below: Line, sums: Line, differences: Line) -> None:
    for at in range(len(sums)):
        sums[at] = (above[at] + below[at]) + np.float32(2) * here[at]
        differences[at] = below[at] - above[at]


@inner
def _sobel_rows(left: Line, right: Line, differences: Line, out: Line) -> None:
    for at in range(len(out)):
        across = right[at] - left[at]
        down = (differences[at] + differences[at + 2]) + np.float32(2) * differences[at + 1]
        out[at] = math.sqrt(across * across + down * down) * np.float32(0.25 / math.sqrt(2.0))
