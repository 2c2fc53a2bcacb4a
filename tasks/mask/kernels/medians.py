"""Median over a disk of radius 5 around each pixel, of whole numbers of a small range.

For 32 rows of 64 pixels at a time the medians are found bit by bit, from the highest to the lowest. Of each pixel 81
neighbours are candidates at first, but for those beyond the frame. Where more candidates have a zero there than rank
before the median, its bit is zero, else one; those that have the other bit are no candidates any more. All of these are
masks, and a number per pixel is a mask for each of its digits, so that whatever is added or compared is added or
compared for 64 pixels by one operation.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.bits import ALL, NONE, ONE, WORD, words_of
from tasks.core.kernels.compiled import inner
from tasks.core.types import IntArray

Words = npt.NDArray[np.uint64]

RADIUS = 5
ROWS = 2 * RADIUS + 1
MOST_BITS = 14
LARGEST = (1 << MOST_BITS) - 1
"""Largest whole number."""
NEIGHBOURS = 81
DIGITS = 7
"""Of a number up to 81."""
EIGHT = 8
LOWEST = np.uint64(0x0101010101010101)
"""The lowest bit of each byte."""
TALL = 32
"""Rows of a block."""
WINDOW = TALL + 2 * RADIUS
"""Rows that the disks of a block reach."""

# unsigned, because other indices are tested for being negative
LANES, REACH = np.uint64(TALL), np.uint64(WINDOW)
HALF_WIDTHS = (0, 3, 4, 4, 4, 5, 4, 4, 4, 3, 0)
"""Of the disk's rows."""
STARTS = np.array(
    [(RADIUS + across) * WINDOW + down for down, half in enumerate(HALF_WIDTHS) for across in range(-half, half + 1)]
)
"""Where each neighbour of a block's pixels begins in a window."""


class Scratch(NamedTuple):
    """Scratch for images of one size, and what is the same for all of them.

    `bit_planes` has a mask for each bit of the image, with margins of `RADIUS` rows and of a word, `inside` one for the
    frame; of each block `first` has the candidates and `ranks` the medians' ranks. The rest is of one block: `window`
    one plane moved by −5 to 5 columns, `candidates`, those with a `zero`, their `counts`, and the `rest` of the rank.
    `low` and `high` are the bytes of 64 numbers.
    """

    bit_planes: Words
    inside: Words
    first: Words
    ranks: Words
    window: Words
    candidates: Words
    zero: Words
    counts: Words
    rest: Words
    low: Words
    high: Words


@inner
def blocks_of(height: int) -> int:
    """Blocks of rows that an image takes."""
    return (height + TALL - 1) // TALL


@inner
def allocate_scratch(shapes: IntArray) -> Scratch:
    """Allocate scratch for the largest image of a block."""
    plane = blocks = 1
    for cell in range(len(shapes)):
        high, words = blocks_of(shapes[cell, 0]), words_of(shapes[cell, 1])
        plane = max(plane, (high * TALL + 2 * RADIUS) * (words + 2))
        blocks = max(blocks, high * words)
    return Scratch(
        np.empty(MOST_BITS * plane, np.uint64),
        np.empty(plane, np.uint64),
        np.empty(blocks * NEIGHBOURS * TALL, np.uint64),
        np.empty(blocks * DIGITS * TALL, np.uint64),
        np.empty(ROWS * WINDOW, np.uint64),
        np.empty(NEIGHBOURS * TALL, np.uint64),
        np.empty(NEIGHBOURS * TALL, np.uint64),
        np.empty(DIGITS * TALL, np.uint64),
        np.empty(DIGITS * TALL, np.uint64),
        np.empty(EIGHT, np.uint64),
        np.empty(EIGHT, np.uint64),
    )


@inner
def lay_out(height: int, width: int, scratch: Scratch) -> None:
    """Prepare the scratch for images of a size: the candidates, and the rank of each pixel's median."""
    words = words_of(width)
    stride = words + 2
    plane = (blocks_of(height) * TALL + 2 * RADIUS) * stride
    scratch.bit_planes[: MOST_BITS * plane] = NONE
    scratch.inside[:plane] = NONE
    for row in range(RADIUS, height + RADIUS):
        for word in range(words):
            scratch.inside[row * stride + word + 1] = (
                ALL if (word + 1) * WORD <= width else ~(ALL << np.uint64(width % WORD))
            )
    zero, counts = scratch.zero, scratch.counts
    for block in range(blocks_of(height)):
        for word in range(words):
            _move(scratch.inside, block * TALL * stride + word + 1, stride, scratch.window)
            at = (block * words + word) * NEIGHBOURS * TALL
            for number in range(NEIGHBOURS):
                start = np.uint64(STARTS[number])
                for lane in range(LANES):
                    zero[np.uint64(number * TALL) + lane] = scratch.window[start + lane]
            scratch.first[at : at + NEIGHBOURS * TALL] = zero
            _count(zero, counts)
            # half of the number: its digits but the last
            at = (block * words + word) * DIGITS * TALL
            scratch.ranks[at : at + (DIGITS - 1) * TALL] = counts[TALL:]
            scratch.ranks[at + (DIGITS - 1) * TALL : at + DIGITS * TALL] = NONE


@inner
def find_medians(codes: IntArray, height: int, width: int, scratch: Scratch, medians: IntArray) -> None:
    """Find the median of each pixel's disk.

    Parameters
    ----------
    codes
        (H·W,) int64, from 0 to `LARGEST`.
    scratch
        As `lay_out` leaves it for that height and width.
    medians
        (H·W,) int64, the result: number n // 2 in ascending order, from 0 on, of the n pixels inside the frame.
    """
    words = words_of(width)
    stride = words + 2
    plane = (blocks_of(height) * TALL + 2 * RADIUS) * stride
    bits = _split(codes, height, width, plane, scratch)
    medians[: height * width] = 0
    zero, counts, candidates, rest = scratch.zero, scratch.counts, scratch.candidates, scratch.rest
    for block in range(blocks_of(height)):
        rows = min(TALL, height - block * TALL)
        for word in range(words):
            at = (block * words + word) * NEIGHBOURS * TALL
            zero[:] = scratch.first[at : at + NEIGHBOURS * TALL]
            counts[:] = NONE
            at = (block * words + word) * DIGITS * TALL
            rest[:] = scratch.ranks[at : at + DIGITS * TALL]
            columns = min(WORD, width - word * WORD)
            for bit in range(bits - 1, -1, -1):
                start = bit * plane + block * TALL * stride + word + 1
                if not _move(scratch.bit_planes, start, stride, scratch.window):
                    continue
                _narrow(candidates, zero, counts, scratch.window)
                _count(zero, counts)
                _compare(counts, rest)
                for row in range(rows):
                    first = (block * TALL + row) * width + word * WORD
                    _set(medians[first : first + columns], counts[row], bit)


@inner
def _split(codes: IntArray, height: int, width: int, plane: int, scratch: Scratch) -> int:
    """Split an image into one mask for each bit; return the number of bits that are ever set."""
    words = words_of(width)
    stride = words + 2
    every = np.int64(0)
    for at in range(height * width):
        every |= codes[at]
    bits = 0
    while every >> bits:
        bits += 1
    scratch.low[:], scratch.high[:] = NONE, NONE
    # the first pixel's byte is the lowest one: numba knows no processor whose is the highest
    low, high = scratch.low.view(np.uint8), scratch.high.view(np.uint8)
    for row in range(height):
        for word in range(words):
            first = row * width + word * WORD
            part = codes[first : first + min(WORD, width - word * WORD)]
            for at in range(len(part)):
                low[at] = part[at] & 255
            for at in range(len(part)):
                high[at] = part[at] >> 8
            place = (row + RADIUS) * stride + word + 1
            for bit in range(bits):
                numbers = scratch.low if bit < EIGHT else scratch.high
                scratch.bit_planes[bit * plane + place] = _gather(numbers, np.uint64(bit % EIGHT))
    return bits


@inner
def _gather(numbers: Words, bit: np.uint64) -> np.uint64:
    """Put one bit of 64 bytes side by side; the product moves that of byte j to bit 56 + j."""
    mask = NONE
    for eight in range(np.uint64(EIGHT)):
        mask |= ((((numbers[eight] >> bit) & LOWEST) * np.uint64(0x0102040810204080)) >> np.uint64(56)) << (
            eight * np.uint64(EIGHT)
        )
    return mask


@inner
def _set(medians: IntArray, mask: np.uint64, bit: int) -> None:
    """Set one bit of the medians of a row."""
    for at in range(len(medians)):
        medians[at] |= np.int64((mask >> np.uint64(at)) & ONE) << bit


@inner
def _move(plane: Words, start: int, stride: int, window: Words) -> bool:
    """Move the rows that a block reaches by −5 to 5 columns; return whether any pixel of them is set."""
    seen = NONE
    by, back = np.uint64(1), np.uint64(WORD - 1)
    for row in range(WINDOW):
        at = start + row * stride
        before, here, after = plane[at - 1], plane[at], plane[at + 1]
        seen |= before | here | after
        window[RADIUS * WINDOW + row] = here
        for off in range(1, RADIUS + 1):
            by, back = np.uint64(off), np.uint64(WORD - off)
            window[(RADIUS + off) * WINDOW + row] = (here >> by) | (after << back)
            window[(RADIUS - off) * WINDOW + row] = (here << by) | (before >> back)
    return bool(seen != NONE)


@inner
def _narrow(candidates: Words, zero: Words, chosen: Words, window: Words) -> None:
    """Leave the candidates that have the bit chosen last; find those of them that have a zero in the next one."""
    for number in range(NEIGHBOURS):
        first, start = np.uint64(number * TALL), np.uint64(STARTS[number])
        for lane in range(LANES):
            left = zero[first + lane] ^ (candidates[first + lane] & chosen[lane])
            candidates[first + lane] = left
            zero[first + lane] = left & ~window[start + lane]


@inner
def _count(masks: Words, counts: Words) -> None:
    """Count in how many of 81 masks each pixel is: a mask for each digit of its number."""
    counts[:] = NONE
    for lane in range(LANES):
        counts[lane] = masks[np.uint64((NEIGHBOURS - 1) * TALL) + lane]
    for number in range(0, NEIGHBOURS - 1, EIGHT):
        _add_eight(masks[number * TALL : (number + EIGHT) * TALL], counts)


@inner
def _add_eight(masks: Words, counts: Words) -> None:
    """Add eight masks to the counts, the full adders in a tree."""
    for lane in range(LANES):
        ones, two = _add(counts[lane], masks[lane], masks[lane + LANES])
        ones, other_two = _add(ones, masks[lane + np.uint64(2) * LANES], masks[lane + np.uint64(3) * LANES])
        twos, four = _add(counts[lane + LANES], two, other_two)
        ones, two = _add(ones, masks[lane + np.uint64(4) * LANES], masks[lane + np.uint64(5) * LANES])
        ones, other_two = _add(ones, masks[lane + np.uint64(6) * LANES], masks[lane + np.uint64(7) * LANES])
        twos, other_four = _add(twos, two, other_two)
        fours, carry = _add(counts[lane + np.uint64(2) * LANES], four, other_four)
        counts[lane], counts[lane + LANES], counts[lane + np.uint64(2) * LANES] = ones, twos, fours
        for digit in range(np.uint64(3), np.uint64(DIGITS)):
            digits = counts[lane + digit * LANES]
            counts[lane + digit * LANES] = digits ^ carry
            carry &= digits


@inner
def _add(first: np.uint64, second: np.uint64, third: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Sum and carry of three masks."""
    either = first ^ second
    return either ^ third, (first & second) | (either & third)


@inner
def _compare(counts: Words, rest: Words) -> None:
    """Choose each median's bit: one where no more zeros are counted than rank before it; they rank no more then.

    Parameters
    ----------
    counts
        The first of the result's masks takes their place.
    """
    for lane in range(LANES):
        borrow = NONE
        for digit in range(np.uint64(DIGITS)):
            at = lane + digit * LANES
            less = rest[at] ^ counts[at]
            borrow, counts[at] = (~rest[at] & counts[at]) | (~less & borrow), less ^ borrow
        for digit in range(np.uint64(DIGITS)):
            at = lane + digit * LANES
            rest[at] = (rest[at] & borrow) | (counts[at] & ~borrow)
        counts[lane] = ~borrow
