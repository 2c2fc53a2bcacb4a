"""The rim of a mask: what its erosion by a disk removes."""

import numpy as np

from tasks.core.kernels.bits import ALL, INSIDE, NONE, Bits, moved, pad, words_of
from tasks.core.kernels.compiled import inner
from tasks.core.types import IntArray


@inner
def half_widths(radius: int) -> IntArray:
    """Half the width of each row of a disk from its middle on: the largest w with w² + dy² ≤ radius²."""
    widths = np.zeros(radius + 1, dtype=np.int64)
    for rows in range(radius + 1):
        while (widths[rows] + 1) ** 2 + rows**2 <= radius**2:
            widths[rows] += 1
    return widths


@inner
def erode(bits: Bits, height: int, width: int, widths: IntArray, padded: Bits, narrowed: Bits, eroded: Bits) -> None:
    """Erode a mask by a disk; what lies beyond the frame counts as part of the mask.

    A pixel stays where every row of the disk about it lies in the mask, that is where the row, narrowed by half the
    width of the disk's row, has a pixel. Each row is narrowed once by each number of columns.

    Parameters
    ----------
    bits
        (≥ H, words) the mask.
    widths
        (R + 1,) int64, from `half_widths`.
    padded, narrowed
        Scratch, (≥ H, words + 2) and ((R + 1)·H, words) or more.
    eroded
        (≥ H, words) the result.
    """
    words, radius = words_of(width), len(widths) - 1
    pad(bits, height, width, INSIDE, padded)
    for row in range(height):
        for word in range(words):
            left = padded[row, word + 1]
            narrowed[row, word] = left
            for columns in range(1, radius + 1):
                if left != NONE:
                    left &= moved(padded, row, word, columns) & moved(padded, row, word, -columns)
                narrowed[columns * height + row, word] = left
    for row in range(height):
        for word in range(words):
            left = bits[row, word]
            for rows in range(radius + 1):
                if left == NONE:
                    break
                above = narrowed[widths[rows] * height + row - rows, word] if row >= rows else ALL
                below = narrowed[widths[rows] * height + row + rows, word] if row + rows < height else ALL
                left &= above & below
            eroded[row, word] = left
