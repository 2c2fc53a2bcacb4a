"""Writing a small compensated image file (.cif), as the reader `cif` reads it."""

import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from tasks.core.types import AnyArray
from tasks.ingest.kernels.grey import CONTINUED, NUMBER, SIGN
from tasks.ingest.readers.amnis_file import (
    ACQUISITION,
    BYTES,
    COMPRESSION,
    GREY,
    HEIGHT,
    MASK,
    OBJECT_COUNT,
    OBJECT_NUMBER,
    OFFSET,
    WIDTH,
)
from tasks.ingest.readers.ifd_chain import COUNT, ENTRY, HEADER, LONG, NEXT

TEXT = 2
"""Type of a tag."""

LONGEST_RUN = 256
"""Pixels of a mask that a pair of bytes can tell of."""


def write_cif(
    path: Path,
    *,
    images: Sequence[AnyArray],
    masks: Sequence[AnyArray] | None = None,
    names: Sequence[str],
    numbers: Sequence[int] | None = None,
) -> None:
    """Write objects into a file.

    Parameters
    ----------
    images
        (C, H, W) each, from 0 to 65535.
    masks
        (C, H, W) each, bool or the values of the format; None: the file holds none.
    names
        C names of channels.
    numbers
        The instrument's numbers of the objects; None: 0, 1, 2 ….
    """
    xml = "".join(f"<Channel{number}Name>{name}</Channel{number}Name>" for number, name in enumerate(names, start=1))
    used = " ".join("1" * len(names))
    about = f"<x><ChannelInUseIndicators_0_11>{used} </ChannelInUseIndicators_0_11>{xml}</x>".encode()
    content = bytearray(HEADER.pack(b"II", 42, HEADER.size))
    chain = _append(content, {OBJECT_COUNT: len(images)}, payload=about, payload_tag=ACQUISITION)
    for position, image in enumerate(images):
        number = position if numbers is None else numbers[position]
        planes = [(image, GREY, encode_grey(image), {OBJECT_NUMBER: number})]
        if masks is not None:
            planes.append((masks[position], MASK, encode_mask(masks[position]), {}))
        for plane, compression, coded, tags in planes:
            channels, height, width = plane.shape
            tags |= {WIDTH: channels * width, HEIGHT: height, COMPRESSION: compression, BYTES: len(coded)}
            NEXT.pack_into(content, chain, len(content))
            chain = _append(content, tags, payload=coded, payload_tag=OFFSET)
    path.write_bytes(content)


def encode_grey(image: AnyArray) -> bytes:
    """Code pixels (C, H, W): the inverse of `decode_grey`."""
    plane = np.hstack(list(image.astype(np.int64)))
    differences = np.diff(np.diff(plane, axis=1, prepend=0), axis=0, prepend=0)
    nibbles: list[int] = []
    for difference in differences.ravel().tolist():
        rest = difference
        while not -SIGN <= rest < SIGN:
            nibbles.append(rest & NUMBER | CONTINUED)
            rest >>= 3
        nibbles.append(rest & NUMBER)
    return bytes(low | high << 4 for low, high in zip(nibbles[::2], [*nibbles[1::2], 0], strict=False))


def encode_mask(mask: AnyArray) -> bytes:
    """Code masks (C, H, W): the inverse of `decode_mask`, but for the values that do not mark the object."""
    flat = np.hstack(list(mask.astype(np.uint8))).ravel()
    starts = [0, *(np.flatnonzero(np.diff(flat)) + 1).tolist(), flat.size]
    coded = bytearray()
    for start, stop in pairwise(starts):
        for first in range(start, stop, LONGEST_RUN):
            coded += struct.pack("BB", flat[start], min(LONGEST_RUN, stop - first) - 1)
    return bytes(coded)


def _append(content: bytearray, tags: dict[int, int], *, payload: bytes, payload_tag: int) -> int:
    """Append a directory and the bytes that one of its tags points to; return where the next one is to be named."""
    count = len(tags) + 1
    chain = len(content) + COUNT.size + count * ENTRY.size
    at = chain + NEXT.size
    entries = {tag: (LONG, 1, value) for tag, value in tags.items()}
    # a strip's offset is a number; a text's entry tells its length, too
    entries[payload_tag] = (LONG, 1, at) if payload_tag == OFFSET else (TEXT, len(payload), at)
    content += COUNT.pack(count)
    for tag, (kind, number, value) in sorted(entries.items()):
        content += ENTRY.pack(tag, kind, number, value)
    content += NEXT.pack(0) + payload
    return chain
