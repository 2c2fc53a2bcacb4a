"""What lies where in an image file of Amnis' imaging flow cytometers (ImageStream, FlowSight), and reading it.

Such a file is a chain of directories as in a TIFF: the file's own, then for each object one of its pixels and mostly
one of its masks. The channels of an object lie side by side in one picture.
"""

import html
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from tasks.core.errors import PixelError
from tasks.core.types import BoolArray, IntArray
from tasks.ingest.limits import check_pixels
from tasks.ingest.readers.amnis_coding import Bytes, Pixels, Shape, decode_grey, decode_mask
from tasks.ingest.readers.base import check_regular
from tasks.ingest.readers.ifd_chain import read_chain

WIDTH, HEIGHT, COMPRESSION, OFFSET, BYTES = 256, 257, 259, 273, 279
OBJECT_NUMBER, OBJECT_COUNT, ACQUISITION = 33003, 33018, 33027
"""Tags of Amnis: the number of an object; of the file how many it has, and how they were recorded (XML)."""

GREY, MASK = 30817, 30818
"""Compressions of pixels and of masks."""

IN_USE = re.compile(rb"<ChannelInUseIndicators_0_\d+>([01 ]*)<")
NAME = re.compile(rb"<Channel(\d+)Name>([^<]*)<")
MOST_XML = 2**22
"""Bytes of the XML that are read; it has some tens of thousands."""

BUFFER = 2**15
"""Bytes that are read at a time to follow the chain: some small objects, a part of a large one."""


class Strip(NamedTuple):
    """Where the pixels or the masks of an object lie; −1 is what the file does not tell."""

    width: int
    height: int
    compression: int
    offset: int
    bytes: int


TAGS = (WIDTH, HEIGHT, COMPRESSION, OFFSET, BYTES)
ABSENT = Strip(-1, -1, -1, -1, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What the directories of a file tell.

    Parameters
    ----------
    path, size, mtime_ns
        The file.
    names
        Of the channels in use: the file's own, else their numbers, ``Ch1``.
    pixels, masks
        (N, 5) int64, a `Strip` per object.
    numbers
        (N,) int64 the instrument's numbers of the objects; −1 where there is none.
    problem
        Why objects are missing; empty where none is.
    """

    path: str
    size: int
    mtime_ns: int
    names: tuple[str, ...]
    pixels: IntArray
    masks: IntArray
    numbers: IntArray
    problem: str

    def shape(self, position: int) -> Shape:
        """Channels, rows and columns of an object.

        Raises
        ------
        PixelError
            There is no such object, or what its directory tells makes no sense.
        """
        strip, count = self._strip(self.pixels, position), len(self.names)
        if strip.compression != GREY:
            raise PixelError(f"its pixels have the compression {strip.compression}, expected {GREY}")
        if strip.width < 1 or strip.height < 1 or strip.width % count:
            raise PixelError(
                f"is {strip.width} pixels wide and {strip.height} high, in which {count} channels of one size cannot "
                "lie side by side"
            )
        check_pixels(strip.height, strip.width // count)
        return count, strip.height, strip.width // count

    def read_pixels(self, file: BinaryIO, position: int) -> Pixels:
        """Read the pixels (C, H, W) of an object from the open file.

        Raises
        ------
        PixelError
            They are damaged, or there are none.
        """
        shape = self.shape(position)
        return decode_grey(self._read(file, self._strip(self.pixels, position)), shape=shape)

    def read_masks(self, file: BinaryIO, position: int) -> BoolArray:
        """Read the masks (C, H, W) of an object, as `read_pixels` does."""
        shape, strip = self.shape(position), self._strip(self.masks, position)
        if strip == ABSENT:
            raise PixelError("has no mask in its file; leave it to another method, such as li")
        channels, height, width = shape
        if (strip.height, strip.width) != (height, channels * width):
            raise PixelError(
                f"its mask has {strip.height}×{strip.width} pixels, all channels together, its image "
                f"{height}×{channels * width}"
            )
        return decode_mask(self._read(file, strip), shape=shape)

    def _strip(self, strips: IntArray, position: int) -> Strip:
        if position >= len(strips):
            raise PixelError(f"the file holds {len(strips)} objects now; it was changed")
        return Strip(*strips[position].tolist())

    def _read(self, file: BinaryIO, strip: Strip) -> Bytes:
        if strip.offset < 0 or strip.bytes < 1:
            raise PixelError("its directory does not tell where one strip of bytes lies")
        if strip.offset + strip.bytes > self.size:
            raise PixelError(f"goes on to byte {strip.offset + strip.bytes}; the file has {self.size}, it is cut short")
        file.seek(strip.offset)
        coded = np.frombuffer(file.read(strip.bytes), dtype=np.uint8)
        if len(coded) < strip.bytes:
            raise PixelError("is cut short; the file was changed")
        return coded


def open_container(path: str) -> Container:
    """Read the directories of a file, once for each of its states.

    Raises
    ------
    PixelError
        It is no such file. If it only ends early or is damaged somewhere, the objects before are there.
    OSError
        It cannot be opened.
    """
    check_regular((path,))
    state = Path(path).stat()
    return read_container(path, size=state.st_size, mtime_ns=state.st_mtime_ns)


@lru_cache(maxsize=8)
def read_container(path: str, *, size: int, mtime_ns: int) -> Container:
    """Read the directories of a file in the state that size and time tell."""
    with Path(path).open("rb", buffering=BUFFER) as file:
        chain = read_chain(file, size=size, tags=(*TAGS, OBJECT_NUMBER))
        names = channel_names(chain.content(file, ACQUISITION, most=MOST_XML))
    strips, numbers = chain.numbers[:, :-1], chain.numbers[:, -1]
    is_mask = strips[:, Strip._fields.index("compression")] == MASK
    objects = np.flatnonzero(~is_mask)
    masks = np.full((len(objects), len(TAGS)), ABSENT, dtype=np.int64)
    masked = np.append(is_mask, False)[objects + 1]
    masks[masked] = strips[objects[masked] + 1]
    return Container(
        path=path,
        size=size,
        mtime_ns=mtime_ns,
        names=names,
        pixels=strips[objects],
        masks=masks,
        numbers=numbers[objects],
        problem=_missing(found=len(objects), expected=chain.number(OBJECT_COUNT), broken=chain.problem),
    )


def _missing(*, found: int, expected: int, broken: str) -> str:
    """Say that objects are missing, and why as far as that is known; nothing where all are there."""
    if not broken and found >= max(expected, 1):
        return ""
    count = f"{found} of its {expected} objects were found" if expected > 0 else f"{found} objects were found"
    return f"{broken}; {count}" if broken else count


def channel_names(xml: bytes) -> tuple[str, ...]:
    """Names of the channels in use, from what is told of the recording.

    Raises
    ------
    PixelError
        It does not tell which channels are in use, or that none is.

    Examples
    --------
    >>> use = b"<ChannelInUseIndicators_0_11>1 0 1 </ChannelInUseIndicators_0_11>"
    >>> channel_names(use + b"<Channel1Name>BF &amp; SSC</Channel1Name><Channel3Name></Channel3Name>")
    ('BF & SSC', 'Ch3')
    """
    found = IN_USE.search(xml)
    numbers = [number for number, used in enumerate(found[1].split() if found else (), start=1) if used == b"1"]
    if not numbers:
        raise PixelError(
            "does not tell which channels are in use (tag 33027); it is no image file of Amnis, or damaged"
        )
    told = {int(number): html.unescape(name.decode(errors="replace")).strip() for number, name in NAME.findall(xml)}
    names = tuple(told.get(number) or f"Ch{number}" for number in numbers)
    return names if len(set(names)) == len(names) else tuple(f"Ch{number}" for number in numbers)
