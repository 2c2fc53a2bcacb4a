"""Sobel's gradient along runs, and its statistics."""

import numpy as np

from tasks.core.kernels.bits import NEAREST, Bits, Runs, find_runs, moved, pad, words_of
from tasks.core.kernels.compiled import compiled, reduction
from tasks.core.kernels.sorting import limits
from tasks.core.types import AnyArray, FloatArray
from tasks.features.texture_terms import GRADIENT

NUMBER = len(GRADIENT)
SCALE = 1.0 / (4.0 * np.sqrt(2.0))
"""The kernel's weights 1/4 and 1/2 are taken as 1 and 2; the magnitude is divided by √2."""


@compiled
def surrounded_runs(bits: Bits, height: int, width: int, padded: Bits, whole: Bits, runs: Runs) -> int:
    """List the pixels whose 8 neighbours, reflected at the frame, all lie in the mask; they themselves need not.

    Parameters
    ----------
    padded, whole
        Scratch, (≥ H, words + 2) and (≥ H, words).
    runs
        The result.

    Returns
    -------
    int
        Number of runs.
    """
    pad(bits, height, width, NEAREST, padded)
    for row in range(height):
        above, below = max(row - 1, 0), min(row + 1, height - 1)
        for word in range(words_of(width)):
            around = padded[above, word + 1] & padded[below, word + 1]
            for near in (above, row, below):
                around &= moved(padded, near, word, 1) & moved(padded, near, word, -1)
            whole[row, word] = around
    # beyond the last column the padding may have left pixels
    last = words_of(width) - 1
    for row in range(height):
        whole[row, last] &= np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 * (last + 1) - width)
    return find_runs(whole, height, width, runs)


@compiled
def gradient(
    pixels: AnyArray,
    start: int,
    height: int,
    width: int,
    runs: Runs,
    number: int,
    values: FloatArray,
    found: FloatArray,
) -> None:
    """Mean, standard deviation, maximum and minimum of the gradient's magnitude along runs; NaN where there is none.

    Parameters
    ----------
    pixels
        Flat buffer, the (H, W) image from `start` on.
    runs
        `number` runs, from `surrounded_runs`.
    values
        Scratch, (≥ H·W,) float64.
    found
        (4,) float64, the result.
    """
    found[:] = np.nan
    count = int(np.int64(0))
    for run in range(number):
        row, left, right = runs[run, 0], runs[run, 1], runs[run, 2]
        here = start + row * width
        above, below = here - width if row > 0 else here, here + width if row < height - 1 else here
        # the columns at the frame, where a neighbour is reflected, apart from those inside
        # in the columns at the frame the pixel itself stands for its missing neighbour
        if left == 0:
            values[count] = slope(pixels, above, here, below, 0, 0, min(1, width - 1))
        inner, end = max(left, 1), min(right, width - 1)
        if inner < end:
            slopes(
                pixels[above + inner - 1 : above + end + 1],
                pixels[here + inner - 1 : here + end + 1],
                pixels[below + inner - 1 : below + end + 1],
                values[count + inner - left : count + end - left],
            )
        if right == width:
            values[count + right - 1 - left] = slope(
                pixels, above, here, below, max(width - 2, 0), width - 1, width - 1
            )
        count += right - left
    if count > 0:
        describe(values, count, found)


@compiled
def slope(pixels: AnyArray, above: int, here: int, below: int, before: int, column: int, after: int) -> float:
    """Magnitude of the gradient at a pixel, from the starts of three rows and three columns."""
    west = pixels[above + before] + 2.0 * pixels[here + before] + pixels[below + before]
    east = pixels[above + after] + 2.0 * pixels[here + after] + pixels[below + after]
    north = pixels[above + before] + 2.0 * pixels[above + column] + pixels[above + after]
    south = pixels[below + before] + 2.0 * pixels[below + column] + pixels[below + after]
    return float(np.sqrt((west - east) ** 2 + (north - south) ** 2) * SCALE)


@compiled
def slopes(above: AnyArray, here: AnyArray, below: AnyArray, values: FloatArray) -> None:
    """Magnitudes of the gradient at the pixels between the first and the last of three rows' pieces."""
    for at in range(len(values)):
        west = above[at] + 2.0 * here[at] + below[at]
        east = above[at + 2] + 2.0 * here[at + 2] + below[at + 2]
        north = above[at] + 2.0 * above[at + 1] + above[at + 2]
        south = below[at] + 2.0 * below[at + 1] + below[at + 2]
        across, along = west - east, north - south
        values[at] = np.sqrt(across * across + along * along) * SCALE


@reduction
def describe(values: FloatArray, count: int, found: FloatArray) -> None:
    """Fill in mean, standard deviation, maximum and minimum of the first values, at least one."""
    total = squares = 0.0
    for at in range(count):
        total += values[at]
    mean = total / count
    for at in range(count):
        squares += (values[at] - mean) * (values[at] - mean)
    low, high = limits(values, count)
    found[0], found[1], found[2], found[3] = mean, np.sqrt(squares / count), high, low
