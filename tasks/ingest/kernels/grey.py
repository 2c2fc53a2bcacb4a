"""Compiled form of `tasks.ingest.readers.amnis_coding.decode_grey_plain`."""

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import compiled
from tasks.core.types import IntArray

NUMBER, SIGN, CONTINUED = 0b0111, 0b0100, 0b1000
"""Bits of a nibble: three of the number, the last nibble's sign among them, and whether another nibble follows."""

MOST_BITS = 21
"""Of a number: 16 bits of a pixel make differences of 18, in 6 nibbles; one more is room enough."""

LARGEST = 0xFFFF
ENDS_EARLY, TOO_LONG, OUT_OF_RANGE = -1, -2, -3


@compiled
def decode_grey(coded: npt.NDArray[np.uint8], columns: IntArray, pixels: npt.NDArray[np.uint16]) -> int:
    """Decode the channels of a stamp.

    Parameters
    ----------
    coded
        Bytes.
    columns
        (C, W) int64 zeros, to work with: of each column the sum of its differences so far.
    pixels
        (C, H, W), to be filled.

    Returns
    -------
    int
        Nibbles that were used; `ENDS_EARLY`, `TOO_LONG` or `OUT_OF_RANGE` where the bytes make no image.
    """
    channels, height, width = pixels.shape
    at, end = 0, 2 * len(coded)
    for row in range(height):
        pixel = 0
        for channel in range(channels):
            for column in range(width):
                number, bits, nibble = 0, 0, CONTINUED
                while nibble & CONTINUED:
                    if at == end:
                        return ENDS_EARLY
                    if bits == MOST_BITS:
                        return TOO_LONG
                    byte = int(np.int64(coded[at >> 1]))
                    nibble = byte >> 4 if at & 1 else byte & 0xF
                    number |= (nibble & NUMBER) << bits
                    at += 1
                    bits += 3
                if nibble & SIGN:
                    number -= 1 << bits
                number += columns[channel, column]
                columns[channel, column] = number
                pixel += number
                if pixel < 0 or pixel > LARGEST:
                    return OUT_OF_RANGE
                pixels[channel, row, column] = pixel
    return at
