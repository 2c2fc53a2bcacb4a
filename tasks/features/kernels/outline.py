"""Outline of a region from its bits: perimeters and Euler number by counting neighbourhoods, 64 pixels at a time."""

import numpy as np

from tasks.core.kernels.bits import AFTER, BEFORE, NONE, ONE, WORD, Bits, Runs, moved, ones, words_of
from tasks.core.kernels.compiled import inner
from tasks.core.types import IntArray

ROOT = float(np.sqrt(2.0))
STRAIGHT, SLANTED, MIXED = 1.0, ROOT, (1.0 + ROOT) / 2.0
"""What a border pixel adds to the perimeter, by the border pixels next to it."""

PATTERNS = 16
CROFTON = np.array(
    [
        0.0,
        np.pi / 4 * (1 + 1 / ROOT),
        np.pi / (4 * ROOT),
        np.pi / (2 * ROOT),
        0.0,
        np.pi / 4 * (1 + 1 / ROOT),
        0.0,
        np.pi / (4 * ROOT),
        np.pi / 4,
        np.pi / 2,
        np.pi / (4 * ROOT),
        np.pi / (4 * ROOT),
        np.pi / 4,
        np.pi / 2,
        0.0,
        0.0,
    ]
)
"""Weight of a 2×2 pattern in Crofton's formula in four directions; pixel (0, 0) is 8, (0, 1) 2, (1, 0) 4, (1, 1) 1."""


@inner
def draw(runs: Runs, first: int, stop: int, top: int, left: int, height: int, width: int, frame: Bits) -> None:
    """Draw runs into padded rows of bits, one pixel away from the frame.

    Parameters
    ----------
    top, left, height, width
        Bounding box of the runs.
    frame
        (≥ height + 2, words + 2), words for width + 2 columns: the result, all else zero.
    """
    for row in range(height + 2):
        for word in range(words_of(width + 2) + 2):
            frame[row, word] = NONE
    for run in range(first, stop):
        row, start, end = runs[run, 0] - top + 1, runs[run, 1] - left + 1, runs[run, 2] - left + 1
        while start < end:
            word = start // WORD
            length = min(end, (word + 1) * WORD) - start
            filled = ~NONE >> np.uint64(WORD - length)
            frame[row, word + 1] |= filled << np.uint64(start - word * WORD)
            start += length


@inner
def count_patterns(frame: Bits, height: int, width: int, patterns: IntArray) -> None:
    """Count the 2×2 patterns of a region.

    Parameters
    ----------
    frame
        From `draw`, of a region of this height and width.
    patterns
        (16,) int64, the result: which pixel counts how much is told at `CROFTON`. Patterns 0 (no pixel), 4 and 15 (all)
        are not counted, for no measure needs them.
    """
    patterns[:] = 0
    for row in range(1, height + 2):
        for word in range(words_of(width + 2)):
            d, b = frame[row, word + 1], frame[row - 1, word + 1]
            c, a = moved(frame, row, word, BEFORE), moved(frame, row - 1, word, BEFORE)
            upper, lower = a & b, c & d
            # most words are equal above and below, or empty
            if a | b | c | d == NONE or (upper & lower) == ~NONE:
                continue
            not_upper, not_lower = ~(a | b), ~(c | d)
            only_a, only_b, only_c, only_d = a & ~b, b & ~a, c & ~d, d & ~c
            patterns[1] += ones(not_upper & only_d)
            patterns[2] += ones(only_b & not_lower)
            patterns[3] += ones(only_b & only_d)
            patterns[5] += ones(not_upper & lower)
            patterns[6] += ones(only_b & only_c)
            patterns[7] += ones(only_b & lower)
            patterns[8] += ones(only_a & not_lower)
            patterns[9] += ones(only_a & only_d)
            patterns[10] += ones(upper & not_lower)
            patterns[11] += ones(upper & only_d)
            patterns[12] += ones(only_a & only_c)
            patterns[13] += ones(only_a & lower)
            patterns[14] += ones(upper & only_c)


@inner
def crofton(patterns: IntArray) -> float:
    """Perimeter by Crofton's formula, as scikit-image's ``perimeter_crofton`` in four directions."""
    total = 0.0
    for pattern in range(PATTERNS):
        total += CROFTON[pattern] * patterns[pattern]
    return total


@inner
def euler(patterns: IntArray) -> int:
    """Count the 8-connected components less the holes."""
    return int(patterns[8] - patterns[6] - patterns[14])


@inner
def perimeter(frame: Bits, height: int, width: int, border: Bits) -> float:
    """Length of the line through the middles of the border pixels, as scikit-image's ``perimeter``, 4-connected.

    Parameters
    ----------
    frame
        From `draw`.
    border
        Scratch as large as `frame`.
    """
    words = words_of(width + 2)
    for row in range(height + 2):
        border[row, 0] = border[row, words + 1] = NONE
        for word in range(words):
            here = frame[row, word + 1]
            if here != NONE:
                around = frame[row - 1, word + 1] & frame[row + 1, word + 1]
                here &= ~(around & moved(frame, row, word, AFTER) & moved(frame, row, word, BEFORE))
            border[row, word + 1] = here
    straight = slanted = mixed = 0
    for row in range(1, height + 1):
        for word in range(words):
            here = border[row, word + 1]
            if here == NONE:
                continue
            # neighbours on the edges (low, two, four) and on the corners, counted in binary for all pixels at once
            up, down = border[row - 1, word + 1], border[row + 1, word + 1]
            left, right = moved(border, row, word, BEFORE), moved(border, row, word, AFTER)
            low = up ^ down ^ left ^ right
            two = (up & down) ^ (left & right) ^ ((up ^ down) & (left ^ right))
            four = up & down & left & right
            a, b = moved(border, row - 1, word, BEFORE), moved(border, row - 1, word, AFTER)
            c, d = moved(border, row + 1, word, BEFORE), moved(border, row + 1, word, AFTER)
            corner_low = a ^ b ^ c ^ d
            corner_two = (a & b) ^ (c & d) ^ ((a ^ b) & (c ^ d))
            corner_four = a & b & c & d
            straight += ones(here & two & ~corner_four & ~(corner_low & corner_two))
            single = here & low & ~two
            slanted += ones(here & ~(low | two | four) & corner_two & ~corner_low)
            slanted += ones(single & corner_low & corner_two)
            mixed += ones(single & (corner_low ^ corner_two))
    return straight * STRAIGHT + slanted * SLANTED + mixed * MIXED


@inner
def invert(frame: Bits, height: int, width: int, outside: Bits) -> None:
    """Set what is not in a region, the margin included: (≥ height + 2, words) rows of bits without padding."""
    words = words_of(width + 2)
    for row in range(height + 2):
        for word in range(words):
            outside[row, word] = ~frame[row, word + 1]
        rest = (width + 2) % WORD
        if rest:
            outside[row, words - 1] &= (ONE << np.uint64(rest)) - ONE
