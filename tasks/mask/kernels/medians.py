"""Median over a disk of radius 5 around each pixel, of whole numbers of a small range.

For 64 pixels of a row at a time the median is found bit by bit, from the highest to the lowest: a bit is set where no
more than half of the disk's pixels are below the number so far. Counting is nothing but comparing and adding, of eight
bits at first and of sixteen where a neighbourhood's range has more; where pixels hardly differ few bits are to be
found.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import compiled
from tasks.core.types import AnyArray, IntArray

Small = npt.NDArray[np.int8]
Codes = npt.NDArray[np.int16]

RADIUS = 5
ROWS = 2 * RADIUS + 1
LANES = 64
REACH = LANES + 2 * RADIUS
"""Pixels of a row that the disks of a block reach."""
BEYOND = np.int16(32767)
"""Stands for what lies beyond the frame; above every pixel."""
LARGEST = 16000
"""Largest whole number."""
SMALL_BEYOND = np.int16(127)
SMALL_BITS = 7

# unsigned, because other indices are tested for being negative
LANE_COUNT, REACH_COUNT = np.uint64(LANES), np.uint64(REACH)
SECOND, LAST_BUT_ONE, LAST = np.uint64(REACH), np.uint64(9 * REACH), np.uint64(10 * REACH + RADIUS)
MIDDLE, MIDDLE_END = np.uint64(5 * REACH), np.uint64(5 * REACH + 10)


class Room(NamedTuple):
    """Scratch for images of one size.

    `codes` is the image with margins, flat, each row as long as its blocks and the margins; `ranks` tells of each pixel
    which number in ascending order is its median; `lows` and `highs` are the range of what a block's disks reach in
    each row.
    """

    codes: Codes
    ranks: Codes
    lows: Codes
    highs: Codes
    medians: Codes


@compiled
def blocks_of(width: int) -> int:
    """Blocks of pixels that a row takes."""
    return (width + LANES - 1) // LANES


@compiled
def make_room(shapes: IntArray) -> Room:
    """Make room for the largest image of a stack."""
    most = codes = rows = 1
    for cell in range(len(shapes)):
        height, blocks = shapes[cell, 0], blocks_of(shapes[cell, 1])
        most = max(most, height * blocks * LANES)
        codes = max(codes, (height + 2 * RADIUS) * (blocks * LANES + 2 * RADIUS))
        rows = max(rows, (height + 2 * RADIUS) * blocks)
    return Room(
        np.empty(codes, np.int16),
        np.empty(most, np.int16),
        np.empty(rows, np.int16),
        np.empty(rows, np.int16),
        np.empty(most, np.int16),
    )


@compiled
def lay_out(height: int, width: int, room: Room) -> None:
    """Prepare the room for images of a size: what lies beyond the frame, and the rank of each pixel's median."""
    blocks = blocks_of(width)
    codes, ranks = room.codes, room.ranks
    codes[: (height + 2 * RADIUS) * (blocks * LANES + 2 * RADIUS)] = BEYOND
    for row in range(height):
        for column in range(width):
            codes[place(row, column, width)] = 0
    tile, pivots, counts = np.empty(ROWS * REACH, np.int16), np.empty(LANES, np.int16), np.empty(LANES, np.int16)
    pivots[:] = BEYOND
    for row in range(height):
        for block in range(blocks):
            _copy_tile(codes, row, block, blocks, tile)
            _count_below(tile, pivots, counts)
            first = np.uint64((row * blocks + block) * LANES)
            for lane in range(LANE_COUNT):
                ranks[first + lane] = counts[lane] // 2


@compiled
def place(row: int, column: int, width: int) -> int:
    """Index of a pixel among the codes."""
    return (row + RADIUS) * (blocks_of(width) * LANES + 2 * RADIUS) + RADIUS + column


@compiled
def find_medians(height: int, width: int, room: Room) -> None:  # noqa: C901, PLR0912 - loops over pixels
    """Find the median of each pixel's disk: `room.medians`, pixel (r, c) at r·stride + c, stride = LANES · blocks."""
    blocks = blocks_of(width)
    codes, ranks, lows, highs, medians = room
    _find_ranges(codes, height, blocks, lows, highs)
    small, small_pivots = np.empty(ROWS * REACH, np.int8), np.empty(LANES, np.int8)
    tile, pivots = np.empty(ROWS * REACH, np.int16), np.empty(LANES, np.int16)
    small_counts, counts = np.empty(LANES, np.int8), np.empty(LANES, np.int16)
    for row in range(height):
        for block in range(blocks):
            low, high = BEYOND, np.int16(0)
            for other in range(row, row + ROWS):
                low, high = min(low, lows[other * blocks + block]), max(high, highs[other * blocks + block])
            first = np.uint64((row * blocks + block) * LANES)
            for lane in range(LANE_COUNT):
                medians[first + lane] = low
            if low >= high:
                continue
            bits = 1
            while (high - low) >> bits:
                bits += 1
            # small numbers leave one above all of them for what lies beyond the frame
            shift = max(0, bits - SMALL_BITS)
            if (high - low) >> shift == SMALL_BEYOND:
                shift += 1
            _copy_small(codes, row, block, blocks, low, shift, small)
            for bit in range(bits - 1, shift - 1, -1):
                step = np.int16(1 << bit)
                for lane in range(LANE_COUNT):
                    small_pivots[lane] = (medians[first + lane] - low + step) >> shift
                _count_below(small, small_pivots, small_counts)
                for lane in range(LANE_COUNT):
                    medians[first + lane] += step if small_counts[lane] <= ranks[first + lane] else np.int16(0)
            if shift == 0:
                continue
            _copy_tile(codes, row, block, blocks, tile)
            for bit in range(shift - 1, -1, -1):
                step = np.int16(1 << bit)
                for lane in range(LANE_COUNT):
                    pivots[lane] = medians[first + lane] + step
                _count_below(tile, pivots, counts)
                for lane in range(LANE_COUNT):
                    medians[first + lane] += step if counts[lane] <= ranks[first + lane] else np.int16(0)


@compiled
def _find_ranges(codes: Codes, height: int, blocks: int, lows: Codes, highs: Codes) -> None:
    """Find the range of the pixels that the disks of a block reach in each row."""
    stride = blocks * LANES + 2 * RADIUS
    for row in range(height + 2 * RADIUS):
        for block in range(blocks):
            start = np.uint64(row * stride + block * LANES)
            low, high = BEYOND, np.int16(0)
            for at in range(REACH_COUNT):
                code = codes[start + at]
                low, high = min(low, code), max(high, np.int16(0) if code == BEYOND else code)
            lows[row * blocks + block], highs[row * blocks + block] = low, high


@compiled
def _copy_tile(codes: Codes, row: int, block: int, blocks: int, tile: Codes) -> None:
    """Copy what the disks of a block reach."""
    stride = blocks * LANES + 2 * RADIUS
    for number in range(ROWS):
        start, to = np.uint64((row + number) * stride + block * LANES), np.uint64(number * REACH)
        for at in range(REACH_COUNT):
            tile[to + at] = codes[start + at]


@compiled
def _copy_small(codes: Codes, row: int, block: int, blocks: int, low: np.int16, shift: int, tile: Small) -> None:
    """Copy it less its smallest pixel, and without the last bits."""
    stride = blocks * LANES + 2 * RADIUS
    by = np.int16(shift)
    for number in range(ROWS):
        start, to = np.uint64((row + number) * stride + block * LANES), np.uint64(number * REACH)
        for at in range(REACH_COUNT):
            tile[to + at] = min(SMALL_BEYOND, np.int16(np.int16(codes[start + at] - low) >> by))


@compiled
def _count_below(tile: AnyArray, pivots: AnyArray, counts: AnyArray) -> None:
    """Count, for each pixel of a block, the pixels of its disk that are below its pivot.

    Sixteen or eight bits each: the disk has 81 pixels. Constants bound all loops but the first, so that the compiler
    unrolls those and takes many pixels at a time in this one.
    """
    for lane in range(LANE_COUNT):
        pivot, count = pivots[lane], 0
        for row in range(np.uint64(2), np.uint64(9)):
            for column in range(np.uint64(1), np.uint64(10)):
                count += tile[row * REACH_COUNT + lane + column] < pivot
        for column in range(np.uint64(2), np.uint64(9)):
            count += tile[SECOND + lane + column] < pivot
            count += tile[LAST_BUT_ONE + lane + column] < pivot
        count += tile[np.uint64(RADIUS) + lane] < pivot
        count += tile[LAST + lane] < pivot
        count += tile[MIDDLE + lane] < pivot
        count += tile[MIDDLE_END + lane] < pivot
        counts[lane] = count
