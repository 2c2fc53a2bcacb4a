"""Ways to damage a file, drawn from a generator of random numbers."""

import random
import re
import struct
import zlib

HUGE = (0, 1, 255, 65535, 1_000_000, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)
"""Numbers that sizes, counts and offsets are least prepared for."""

HEADER = 400
"""Bytes in which most formats have their header; TIFF's tags may be at the end as well."""

NUMBER = re.compile(rb"\d+")
PNG = b"\x89PNG\r\n\x1a\n"


def damaged(content: bytes, *, draw: random.Random, other: bytes) -> bytes:
    """Return a file with one to three faults; `other` is another good file, of which pieces are taken."""
    result = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        draw.choice(FAULTS)(result, draw, other)
    return _checked_png(bytes(result)) if result.startswith(PNG) and draw.random() < 0.7 else bytes(result)


def flip(content: bytearray, draw: random.Random, other: bytes) -> None:
    """Flip a few bits anywhere."""
    del other
    for _ in range(draw.randint(1, 8) if content else 0):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)


def cut(content: bytearray, draw: random.Random, other: bytes) -> None:
    """Cut the file short, at times to nothing."""
    del other
    del content[draw.choice((0, draw.randint(0, len(content)), max(len(content) - draw.randint(1, 16), 0))) :]


def edit_header(content: bytearray, draw: random.Random, other: bytes) -> None:
    """Put any byte in the place of a few in the header."""
    del other
    for _ in range(draw.randint(1, 4) if content else 0):
        content[_place(content, draw)] = draw.randrange(256)


def splice(content: bytearray, draw: random.Random, other: bytes) -> None:
    """Put a piece of another file, or of this one, somewhere; in place of what is there, or in between."""
    source = draw.choice((bytes(content), other))
    start, length = draw.randint(0, len(source)), draw.choice((1, 4, 16, 64, 512))
    place = draw.randint(0, len(content))
    content[place : place + draw.choice((0, length))] = source[start : start + length]


def zero(content: bytearray, draw: random.Random, other: bytes) -> None:
    """Write a run of zeros, as a lost block of a disk reads."""
    del other
    place, length = draw.randint(0, len(content)), draw.choice((4, 16, 64, 512, 4096))
    content[place : place + length] = bytes(len(content[place : place + length]))


def claim(content: bytearray, draw: random.Random, other: bytes) -> None:
    """Make a size, count or offset huge: a number in a text, else 2, 4 or 8 bytes of the header."""
    del other
    number = draw.choice(HUGE)
    texts = list(NUMBER.finditer(content)) if content.startswith((b"{", b"[")) else []
    if texts:
        chosen = draw.choice(texts)
        content[chosen.start() : chosen.end()] = str(number * draw.choice((1, 1, -1))).encode()
        return
    code = draw.choice("HIQ")
    size = struct.calcsize(code)
    if len(content) >= size:
        place = min(_place(content, draw) // 2 * 2, len(content) - size)
        struct.pack_into(draw.choice("<>") + code, content, place, min(number, 256**size - 1))


FAULTS = (flip, cut, edit_header, splice, zero, claim, claim)


def _place(content: bytearray, draw: random.Random) -> int:
    """Choose a byte: in the header, in the tail, or anywhere."""
    last = len(content) - 1
    return draw.choice(
        (draw.randint(0, min(last, HEADER)), max(last - draw.randint(0, HEADER), 0), draw.randint(0, last))
    )


def _checked_png(content: bytes) -> bytes:
    """Return a PNG with right check sums, so that more than these is tried."""
    result, place = bytearray(content), len(PNG)
    while place + 12 <= len(result):
        (length,) = struct.unpack_from(">I", result, place)
        end = place + 8 + length
        if end + 4 > len(result):
            break
        struct.pack_into(">I", result, end, zlib.crc32(result[place + 4 : end]))
        place = end + 4
    return bytes(result)
