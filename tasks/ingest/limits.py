"""What an image may claim to be before its pixels are decoded: a few bytes of a header can ask for any memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from tasks.core.errors import PixelError

SMALL_BYTES = 16 * 2**20
"""Bytes of an image that no compression makes a danger: an empty field of zeros compresses without bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Constants, not what this machine has, so that a run quarantines the same images everywhere.

    Parameters
    ----------
    max_pixels
        Rows times columns of an image.
    max_compression
        Bytes of an image over those in which they are stored.
    """

    max_pixels: int = 200_000_000
    max_compression: float = 1000.0


DEFAULT = Limits()
_limits: ContextVar[Limits] = ContextVar("limits", default=DEFAULT)


@contextmanager
def limited(limits: Limits) -> Iterator[None]:
    """Have readers that are called inside keep these limits; without, they keep the default ones."""
    token = _limits.set(limits)
    try:
        yield
    finally:
        _limits.reset(token)


def check_pixels(height: int, width: int) -> None:
    """Refuse an image for its size; readers do so as soon as they know it, before they decode.

    Raises
    ------
    PixelError
        Naming the key that allows more.
    """
    allowed = _limits.get().max_pixels
    if height * width > allowed:
        raise PixelError(
            f"has {height}×{width} pixels a channel, more than load.max_pixels: {allowed} allows; if that is no "
            "mistake in its header, raise the key and have workers with memory for it"
        )


def check_compression(decoded: int, *, stored: int) -> None:
    """Refuse an image that would be this many bytes and is stored in so few of them.

    Raises
    ------
    PixelError
        Naming the key that allows more.
    """
    allowed = most_bytes(stored)
    if decoded > allowed:
        limit = _limits.get().max_compression
        raise PixelError(
            f"would be {decoded} bytes, which its file holds in {stored}: more than load.max_compression: {limit:g} "
            "allows; if that is no mistake in its header, raise the key and have workers with memory for it"
        )


def most_bytes(stored: int) -> int:
    """Return how many bytes may come of so many compressed ones."""
    return max(SMALL_BYTES, int(stored * _limits.get().max_compression))
