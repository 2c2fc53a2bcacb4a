"""Sobel's gradient along runs, and its statistics."""

import numpy as np

from tasks.core.kernels.bits import AFTER, ALL, BEFORE, NONE, OUTSIDE, WORD, Bits, Runs, find_runs, moved, pad, words_of
from tasks.core.kernels.compiled import ZERO, inner, reduction
from tasks.core.kernels.sorting import limits
from tasks.core.types import FloatArray
from tasks.features.definitions.texture import GRADIENT

NUMBER = len(GRADIENT)
SCALE = 1.0 / (4.0 * np.sqrt(2.0))
"""The kernel's weights 1/4 and 1/2 are taken as 1 and 2; the magnitude is divided by √2."""


@inner
def surrounded_runs(
    bits: Bits, height: int, width: int, beyond: int, padded: Bits, surrounded: Bits, runs: Runs
) -> int:
    """List the pixels whose 8 neighbours all lie in the mask.

    Parameters
    ----------
    beyond
        With `NEAREST` neighbours are reflected at the frame, and the pixel itself need not lie in the mask; with
        `OUTSIDE` the pixel must, and there is no mask beyond the frame.
    padded, surrounded
        Scratch, (≥ H, words + 2) and (≥ H, words).
    runs
        The result.

    Returns
    -------
    int
        Number of runs.
    """
    pad(bits, height, width, beyond, padded)
    words = words_of(width)
    for row in range(height):
        above, below = max(row - 1, 0), min(row + 1, height - 1)
        for word in range(words):
            around = padded[above, word + 1] & padded[below, word + 1]
            for near in (above, row, below):
                around &= moved(padded, near, word, AFTER) & moved(padded, near, word, BEFORE)
            if beyond == OUTSIDE:
                around = around & padded[row, word + 1] if 0 < row < height - 1 else NONE
            surrounded[row, word] = around
        # beyond the last column the padding may have left pixels
        surrounded[row, words - 1] &= ALL >> np.uint64(WORD * words - width)
    return find_runs(surrounded, height, width, runs)


@inner
def gradient(
    image: FloatArray, height: int, width: int, runs: Runs, number: int, values: FloatArray, out: FloatArray
) -> None:
    """Mean, standard deviation, maximum and minimum of the gradient's magnitude along runs; NaN where there is none.

    Parameters
    ----------
    image
        Flat (H, W) image.
    runs
        `number` runs, from `surrounded_runs`.
    values
        Scratch, (≥ H·W,) float64.
    out
        (4,) float64, the result.
    """
    out[:] = np.nan
    count = ZERO
    for run in range(number):
        row, left, right = runs[run, 0], runs[run, 1], runs[run, 2]
        here = row * width
        above, below = here - width if row > 0 else here, here + width if row < height - 1 else here
        inside, end = max(left, 1), min(right, width - 1)
        if inside < end:
            slopes(
                image[above + inside - 1 : above + end + 1],
                image[here + inside - 1 : here + end + 1],
                image[below + inside - 1 : below + end + 1],
                values[count + inside - left : count + end - left],
            )
        # in the columns at the frame the pixel itself stands for its missing neighbour
        for side in range(2):
            column = side * (width - 1)
            if left <= column < right:
                before, after = max(column - 1, 0), min(column + 1, width - 1)
                values[count + column - left] = slope(image, above, here, below, before, column, after)
        count += right - left
    if count > 0:
        describe(values, count, out)


@inner
def slope(image: FloatArray, above: int, here: int, below: int, before: int, column: int, after: int) -> float:
    """Magnitude of the gradient at a pixel, from the starts of three rows and three columns."""
    west = image[above + before] + 2.0 * image[here + before] + image[below + before]
    east = image[above + after] + 2.0 * image[here + after] + image[below + after]
    north = image[above + before] + 2.0 * image[above + column] + image[above + after]
    south = image[below + before] + 2.0 * image[below + column] + image[below + after]
    across, along = west - east, north - south
    return float(np.sqrt(across * across + along * along) * SCALE)


@inner
def slopes(above: FloatArray, here: FloatArray, below: FloatArray, values: FloatArray) -> None:
    """Magnitudes of the gradient at the pixels between the first and the last of three rows' pieces."""
    for at in range(len(values)):
        west = above[at] + 2.0 * here[at] + below[at]
        east = above[at + 2] + 2.0 * here[at + 2] + below[at + 2]
        north = above[at] + 2.0 * above[at + 1] + above[at + 2]
        south = below[at] + 2.0 * below[at + 1] + below[at + 2]
        across, along = west - east, north - south
        values[at] = np.sqrt(across * across + along * along) * SCALE


@reduction
def describe(values: FloatArray, count: int, out: FloatArray) -> None:
    """Fill in mean, standard deviation, maximum and minimum of the first values, at least one."""
    total = squares = 0.0
    for at in range(count):
        total += values[at]
    mean = total / count
    for at in range(count):
        squares += (values[at] - mean) * (values[at] - mean)
    low, high = limits(values, count)
    out[0], out[1], out[2], out[3] = mean, np.sqrt(squares / count), high, low
