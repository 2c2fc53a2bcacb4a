"""The chain of directories (IFDs) of a classic TIFF, little-endian, for files that are one by their frame alone.

Libraries that read TIFF refuse the files of instruments whose tags have other types than the standard's.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from tasks.core.errors import PixelError
from tasks.core.types import IntArray

HEADER, COUNT, NEXT, ENTRY = struct.Struct("<2sHI"), struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<HHII")
ENTRIES = np.dtype([("tag", "<u2"), ("type", "<u2"), ("count", "<u4"), ("value", "<u4")])
SHORT, LONG = 3, 4
"""Types of whole numbers. A value longer than 4 bytes lies elsewhere in the file; the entry has its offset."""

MOST_ENTRIES = 1000
"""Of a directory; instruments write some tens."""

AT_A_TIME = 4096
"""Directories that are looked at together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What the directories of a file tell.

    Parameters
    ----------
    first
        Entries of the first: tag to type, count and value.
    numbers
        (N, tags) int64 of the others: whole numbers, −1 where a directory has none.
    problem
        Why the chain ends before its end; empty where it does not.
    """

    first: dict[int, tuple[int, int, int]]
    numbers: IntArray
    problem: str

    def content(self, file: BinaryIO, tag: int, *, most: int) -> bytes:
        """Read the bytes that an entry of the first directory points to, `most` at most; none where there is none."""
        _, count, at = self.first.get(tag, (0, 0, 0))
        if count <= NEXT.size:
            return at.to_bytes(NEXT.size, "little")[:count]
        file.seek(at)
        return file.read(min(count, most))

    def number(self, tag: int) -> int:
        """Whole number of the first directory; −1 where there is none."""
        kind, count, value = self.first.get(tag, (0, 0, 0))
        return value & (0xFFFF if kind == SHORT else 0xFFFFFFFF) if count == 1 and kind in {SHORT, LONG} else -1


def read_chain(file: BinaryIO, *, size: int, tags: Sequence[int]) -> Chain:
    """Follow the chain; nothing but the directories is read.

    Parameters
    ----------
    file
        Best with a small buffer: directories are read in small pieces, mostly one behind the other.
    size
        Bytes of the file.
    tags
        Those whose numbers are wanted of every directory but the first.

    Raises
    ------
    PixelError
        The file is no such TIFF, or damaged before its second directory.
    """
    chain = _directories(file, size=size)
    first = ENTRY.iter_unpack(next(chain, b""))
    tables, some, problem = [], [], ""
    try:
        for directory in chain:
            some.append(directory)
            if len(some) == AT_A_TIME:
                tables.append(_numbers(some, tags=tags))
                some = []
    except PixelError as error:
        problem = str(error)
    tables.append(_numbers(some, tags=tags))
    return Chain(
        first={tag: (kind, count, value) for tag, kind, count, value in first},
        numbers=np.concatenate(tables),
        problem=problem,
    )


def _directories(file: BinaryIO, *, size: int) -> Iterator[bytes]:
    """Yield the entries of each directory.

    Raises
    ------
    PixelError
        The file is no such TIFF; or the chain leads beyond the end, in a circle or to what is no directory.
    """
    head = file.read(HEADER.size)
    if len(head) < HEADER.size:
        raise PixelError(f"has {len(head)} bytes, too few for a header")
    order, version, at = HEADER.unpack(head)
    if (order, version) != (b"II", 42):
        raise PixelError("does not begin as a little-endian TIFF does")
    seen: set[int] = set()
    left = size
    while at:
        if at in seen:
            raise PixelError("its chain of images leads in a circle")
        seen.add(at)
        file.seek(at)
        (count,) = COUNT.unpack(_exactly(file, COUNT.size))
        length = count * ENTRY.size
        # directories do not overlap: in a damaged file no more of them are read than the file has bytes
        left -= COUNT.size + length + NEXT.size
        if not 0 < count <= MOST_ENTRIES or left < 0:
            raise PixelError(f"its chain of images is damaged: at byte {at} is none")
        body = _exactly(file, length + NEXT.size)
        yield body[:length]
        (at,) = NEXT.unpack_from(body, length)


def _exactly(file: BinaryIO, count: int) -> bytes:
    read = file.read(count)
    if len(read) < count:
        raise PixelError("is cut short: its chain of images leads beyond its end")
    return read


def _numbers(directories: Sequence[bytes], *, tags: Sequence[int]) -> IntArray:
    """Look up the whole numbers of some tags, those of directories of equal length together."""
    numbers = np.full((len(directories), len(tags)), -1, dtype=np.int64)
    lengths = np.array([len(directory) for directory in directories], dtype=np.int64)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        alike = b"".join(directory for directory in directories if len(directory) == length)
        entries = np.frombuffer(alike, dtype=ENTRIES).reshape(len(rows), -1)
        whole = (entries["count"] == 1) & np.isin(entries["type"], [SHORT, LONG])
        values = np.where(entries["type"] == SHORT, entries["value"] & 0xFFFF, entries["value"])
        for column, tag in enumerate(tags):
            row, place = np.nonzero(whole & (entries["tag"] == tag))
            numbers[rows[row], column] = values[row, place]
    return numbers
