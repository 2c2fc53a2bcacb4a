"""How Amnis' image files (ImageStream, FlowSight) code pixels and masks; their channels lie side by side in a row.

Pixels (compression 30817) are differences from a prediction, left + above − above left, in nibbles, the lower half of a
byte first. A nibble holds three bits of the difference, the lowest first, and whether another one follows; the highest
bit of the last nibble is the sign. Masks (compression 30818) are pairs of bytes: a value, and how often it is repeated.
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tasks.core.errors import PixelError
from tasks.core.types import BoolArray
from tasks.ingest.kernels.grey import (
    CONTINUED,
    ENDS_EARLY,
    LARGEST,
    MOST_BITS,
    NUMBER,
    OUT_OF_RANGE,
    SIGN,
    TOO_LONG,
)
from tasks.ingest.kernels.grey import decode_grey as fill_grey

ScalarT = TypeVar("ScalarT", bound=np.generic)
Bytes = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.uint16]
Shape = tuple[int, int, int]
"""Channels, rows, columns."""

OBJECT = 1
"""Value of a mask's pixel that belongs to the object. 2 and 3 mark another object that the frame cuts off."""

PROBLEMS = {
    ENDS_EARLY: "its pixels end early",
    TOO_LONG: f"holds a difference of more than {MOST_BITS} bits",
    OUT_OF_RANGE: f"holds a pixel that is not between 0 and {LARGEST}",
}


def decode_grey(coded: Bytes, *, shape: Shape) -> Pixels:
    """Decode pixels.

    Raises
    ------
    PixelError
        The bytes make fewer or more pixels than `shape` tells, or numbers that are no pixels. Before memory is taken,
        where there cannot be enough of them.
    """
    channels, height, width = shape
    if channels * height * width > 2 * len(coded):
        raise PixelError(PROBLEMS[ENDS_EARLY])
    pixels = np.empty(shape, dtype=np.uint16)
    used = fill_grey(coded, np.zeros((channels, width), dtype=np.int64), pixels)
    if used < 0:
        raise PixelError(PROBLEMS[used])
    _check_used(coded, nibbles=used)
    return pixels


def decode_grey_plain(coded: Bytes, *, shape: Shape) -> Pixels:
    """Plain form of `decode_grey`."""
    channels, height, width = shape
    nibbles = np.stack([coded & 0xF, coded >> 4], axis=1).ravel().astype(np.int64)
    ends = np.flatnonzero(nibbles < CONTINUED)[: channels * height * width]
    if len(ends) < channels * height * width:
        raise PixelError(PROBLEMS[ENDS_EARLY])
    nibbles = nibbles[: ends[-1] + 1]
    starts = np.concatenate([[0], ends[:-1] + 1])
    bits = 3 * (ends - starts + 1)
    if bits.max() > MOST_BITS:
        raise PixelError(PROBLEMS[TOO_LONG])
    shifts = 3 * (np.arange(len(nibbles)) - np.repeat(starts, bits // 3))
    differences = np.add.reduceat((nibbles & NUMBER) << shifts, starts)
    differences -= np.where(nibbles[ends] & SIGN, 1 << bits, 0)
    pixels = differences.reshape(height, channels * width).cumsum(axis=0).cumsum(axis=1)
    if pixels.min() < 0 or pixels.max() > LARGEST:
        raise PixelError(PROBLEMS[OUT_OF_RANGE])
    _check_used(coded, nibbles=len(nibbles))
    return apart(pixels, channels=channels).astype(np.uint16)


def decode_mask(coded: Bytes, *, shape: Shape) -> BoolArray:
    """Decode masks: bool (C, H, W), the pixels that belong to the object.

    Raises
    ------
    PixelError
        The runs have another length than `shape` tells. Before memory is taken.
    """
    channels, height, width = shape
    if len(coded) % 2:
        raise PixelError(f"its mask has {len(coded)} bytes, expected pairs")
    lengths = coded[1::2].astype(np.int64) + 1
    if lengths.sum() != channels * height * width:
        raise PixelError(f"its mask has {lengths.sum()} pixels, expected {channels * height * width}")
    flat = np.repeat(coded[::2] == OBJECT, lengths)
    return apart(flat.reshape(height, channels * width), channels=channels)


def apart(plane: npt.NDArray[ScalarT], *, channels: int) -> npt.NDArray[ScalarT]:
    """Cut (H, C·W) into (C, H, W)."""
    height, width = plane.shape
    return np.ascontiguousarray(plane.reshape(height, channels, width // channels).transpose(1, 0, 2))


def _check_used(coded: Bytes, *, nibbles: int) -> None:
    """Refuse bytes behind the last pixel; a nibble that fills a byte up is none."""
    if (nibbles + 1) // 2 != len(coded):
        raise PixelError(f"its pixels take {(nibbles + 1) // 2} bytes, but it has {len(coded)}")
