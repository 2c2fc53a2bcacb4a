"""Digests: short names for what a result depends on."""

import hashlib
import json
from typing import Any

import numpy as np
import xxhash

from tasks.core.types import AnyArray

LENGTH = 20
"""Bytes of a digest; 40 hexadecimal digits, as git's."""


def digest(*parts: object) -> str:
    """Digest of JSON-like values; equal values give equal digests in every process and on every machine."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.blake2b(text.encode(), digest_size=LENGTH).hexdigest()


def pixel_digest(image: AnyArray) -> str:
    """Digest of an image's dtype, shape and pixels.

    It tells of images that changed between two readings, not of forged ones: XXH3 of 128 bits is as fast as the memory.
    """
    state = xxhash.xxh3_128(f"{image.dtype.str}{image.shape}".encode())
    state.update(np.ascontiguousarray(image).data)
    return state.hexdigest()


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever json can write
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no digest")
