"""Decompressing bytes of unknown origin: with known codecs alone, and no more of them than are allowed."""

import bz2
import lzma
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tasks.core.errors import PixelError
from tasks.core.types import AnyArray
from tasks.ingest.limits import check_compression, most_bytes

BLOSC_HEADER = 16
LZMA_MEMORY = 2**28
"""Bytes that a decoder of LZMA may take; its strongest setting needs a quarter."""

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
REORDERING = ("shuffle", "delta", "crc32", "adler32", "fletcher32", "jenkins_lookup3")
"""Codecs that keep the number of bytes, or but for a check sum."""

SIZED = ("blosc", "lz4", "zstd")
STREAMS = ("zlib", "gzip", "bz2", "lzma")
CODECS = tuple(sorted((*SIZED, *STREAMS, *REORDERING)))
"""Those that are undone."""


def decompress(content: AnyArray, *, codec: Mapping[str, Any] | None) -> AnyArray:
    """Undo one numcodecs codec, given as its configuration; None: there is none.

    Bytes (uint8) in and out; what comes out may be written to. The number of bytes is read from the header of blosc,
    LZ4 and zstd before they are decoded; the streams of zlib, gzip, bz2 and lzma, which do not tell it, are decoded up
    to the limit. A chunk whose length is not the one in blosc's header is refused: blosc itself would read beyond its
    end. Other codecs are refused: numcodecs has some that run what they read (``pickle``).

    Raises
    ------
    PixelError
        It is of another length than announced, would be larger than ``load.max_compression`` allows, or its codec is
        none of these.
    Exception
        Whatever a decoder raises on damaged bytes.
    """
    if codec is None:
        return content
    name = codec.get("id")
    if name in STREAMS:
        return np.frombuffer(_stream(content.tobytes(), codec=codec), dtype=np.uint8).copy()
    if name not in CODECS:
        raise PixelError(f"has the codec {name!r}, expected one of {', '.join(CODECS)}")
    import numcodecs

    function = numcodecs.get_codec(dict(codec))
    if name in REORDERING:
        return np.frombuffer(function.decode(content), dtype=np.uint8).copy()
    size = _size(content, name=str(name))
    check_compression(size, stored=len(content))
    # an array's memory the system hands out in larger pieces than that of an object of bytes
    decoded = np.empty(size, dtype=np.uint8)
    function.decode(content, out=decoded)
    return decoded


def _size(content: AnyArray, *, name: str) -> int:
    """Read from a header how many bytes are compressed."""
    if name == "lz4":
        return int(struct.unpack_from("<I", content.data)[0])
    if name == "zstd":
        return _zstd_size(content)
    if len(content) < BLOSC_HEADER:
        raise PixelError(f"has {len(content)} bytes, too few for a header")
    size, expected = struct.unpack_from("<4xI4xI", content.data)
    if expected != len(content):
        raise PixelError(f"has {len(content)} bytes, its header announces {expected}")
    return int(size)


def _zstd_size(content: AnyArray) -> int:
    """Read the size of the content from the header of a frame (RFC 8878, 3.1.1.1)."""
    if content[:4].tobytes() != ZSTD_MAGIC:
        raise PixelError("has no header of zstd")
    descriptor = int(content[4])
    kind, single, dictionary = descriptor >> 6, descriptor >> 5 & 1, descriptor & 3
    length = (single, 2, 4, 8)[kind]
    if not length:
        raise PixelError("is compressed by zstd without telling how many bytes it holds")
    at = 5 + (0 if single else 1) + (0, 1, 2, 4)[dictionary]
    return int.from_bytes(content[at : at + length].tobytes(), "little") + (256 if length == 2 else 0)


def _stream(content: bytes, *, codec: Mapping[str, Any]) -> bytes:
    """Decode a stream up to the limit."""
    allowed = most_bytes(len(content))
    if codec["id"] in {"zlib", "gzip"}:
        inflating = zlib.decompressobj(wbits=31 if codec["id"] == "gzip" else 15)
        decoded, ended = inflating.decompress(content, allowed + 1), inflating.eof
    elif codec["id"] == "bz2":
        unzipping = bz2.BZ2Decompressor()
        decoded, ended = unzipping.decompress(content, allowed + 1), unzipping.eof
    else:
        unpacking = lzma.LZMADecompressor(memlimit=LZMA_MEMORY)
        decoded, ended = unpacking.decompress(content, allowed + 1), unpacking.eof
    check_compression(len(decoded), stored=len(content))
    if not ended:
        raise PixelError("ends before its end is marked; it is cut short")
    return decoded
