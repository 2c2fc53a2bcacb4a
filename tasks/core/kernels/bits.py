"""Masks as rows of bits: 64 pixels are combined, shifted and counted by one operation.

Column c of a row is bit c mod 64 of its word c div 64. Rows of bits are (H, words) uint64; rows that filters look at
beyond their ends are *padded*: (H, words + 2), one word of frame on either side.
"""

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import constant, inner
from tasks.core.types import BoolArray, IntArray

Bits = npt.NDArray[np.uint64]
"""(H, words) or, padded, (H, words + 2)."""
Stream = npt.NDArray[np.uint64]
"""Masks without gaps, pixel i of the flat masks being bit i mod 64 of word i div 64."""
Runs = IntArray
"""(R, 3) int64: row, first column and end (one beyond the last column) of a run of pixels."""

WORD = 64
NONE = np.uint64(0)
ONE = np.uint64(1)
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)

OUTSIDE, INSIDE, NEAREST = constant(0), constant(1), constant(2)
"""What `pad` puts beyond the frame: no pixel, pixels, or a repetition of the last pixel."""

BEFORE, AFTER = constant(-1), constant(1)
"""The neighbouring columns, for `moved`."""


@inner
def words_of(width: int) -> int:
    """Words that a row of pixels takes."""
    return (width + WORD - 1) // WORD


@inner
def extent(shapes: IntArray) -> tuple[int, int]:
    """Height and width of the frame that holds every cell of a stack, at least 1."""
    height = width = 1
    for cell in range(len(shapes)):
        height, width = max(height, shapes[cell, 0]), max(width, shapes[cell, 1])
    return height, width


@inner
def most_runs(height: int, width: int) -> int:
    """Largest number of runs in a mask."""
    return height * ((width + 1) // 2)


def stream_of(masks: BoolArray) -> Stream:
    """Pack flat masks into one stream of bits, pixel after pixel, with a spare word at its end."""
    packed = np.packbits(masks, bitorder="little")
    stream = np.zeros(len(packed) // 8 + 2, dtype="<u8")
    stream.view(np.uint8)[: len(packed)] = packed
    return stream.astype(np.uint64, copy=False)


@inner
def read(stream: Stream, start: int, height: int, width: int, bits: Bits) -> None:
    """Cut a mask whose first pixel is bit `start` of a stream into rows of bits."""
    for row in range(height):
        for word in range(words_of(width)):
            first = start + row * width + word * WORD
            at, by = first // WORD, np.uint64(first % WORD)
            here = stream[at] >> by
            if by != NONE:
                here |= stream[at + 1] << (np.uint64(WORD) - by)
            if (word + 1) * WORD > width:
                here &= (ONE << np.uint64(width - word * WORD)) - ONE
            bits[row, word] = here


@inner
def ones(word: np.uint64) -> int:
    """Count the ones of a word; compilers know this form as a processor's instruction."""
    pairs = word - ((word >> ONE) & np.uint64(0x5555555555555555))
    fours = (pairs & np.uint64(0x3333333333333333)) + ((pairs >> np.uint64(2)) & np.uint64(0x3333333333333333))
    eights = (fours + (fours >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int(np.int64((eights * np.uint64(0x0101010101010101)) >> np.uint64(56)))


@inner
def zeros_below(word: np.uint64) -> int:
    """Position of the lowest one of a word; 64 where there is none."""
    return ones((word & (NONE - word)) - ONE)


@inner
def find_runs(bits: Bits, height: int, width: int, runs: Runs) -> int:
    """List the runs of a mask, row by row from left to right; return their number."""
    count = 0
    for row in range(height):
        from_row = count
        for word in range(words_of(width)):
            rest = bits[row, word]
            while rest != NONE:
                low = zeros_below(rest)
                # the zeros that the shift brings in end the run at the end of the word
                length = zeros_below(~(rest >> np.uint64(low)))
                first = word * WORD + low
                if count > from_row and runs[count - 1, 2] == first:
                    runs[count - 1, 2] = first + length
                else:
                    runs[count, 0], runs[count, 1], runs[count, 2] = row, first, first + length
                    count += 1
                end = low + length
                rest = NONE if end >= WORD else (rest >> np.uint64(end)) << np.uint64(end)
    return count


@inner
def pad(bits: Bits, height: int, width: int, beyond: int, padded: Bits) -> None:
    """Copy rows of bits between two words that stand for what lies beyond the frame: see `OUTSIDE` and its like."""
    words = words_of(width)
    last = np.uint64((width - 1) % WORD)
    unused = ~(ALL >> (np.uint64(WORD - 1) - last))
    for row in range(height):
        left = right = ALL if beyond == INSIDE else NONE
        if beyond == NEAREST:
            left = ALL if bits[row, 0] & ONE != NONE else NONE
            right = ALL if (bits[row, words - 1] >> last) & ONE != NONE else NONE
        padded[row, 0] = left
        for word in range(words):
            padded[row, word + 1] = bits[row, word]
        padded[row, words] |= right & unused
        padded[row, words + 1] = right


@inner
def moved(padded: Bits, row: int, word: int, columns: int) -> np.uint64:
    """Word of a padded row whose bit c is the pixel at c + `columns`; `columns` from −63 to 63."""
    here = padded[row, word + 1]
    if columns > 0:
        return np.uint64((here >> np.uint64(columns)) | (padded[row, word + 2] << np.uint64(WORD - columns)))
    if columns < 0:
        return np.uint64((here << np.uint64(-columns)) | (padded[row, word] >> np.uint64(WORD + columns)))
    return np.uint64(here)
