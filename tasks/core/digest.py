"""Digests: short names for what a result depends on."""

import hashlib
import json
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from pydantic import BaseModel

from tasks.core.packages import offered_by
from tasks.core.types import AnyArray

LENGTH = 20
"""Bytes of a digest; 40 hexadecimal digits, as git's."""


def digest(*parts: object) -> str:
    """Digest of values; equal values give equal digests in every process and on every machine.

    A type may say by an attribute `identity` what of it counts; of models and dataclasses all fields do. A type of a
    package that offers parts counts with the version of that package, in which its code is.

    Raises
    ------
    TypeError
        A value is neither one of these nor JSON-like.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.blake2b(text.encode(), digest_size=LENGTH).hexdigest()


def pixel_digest(image: AnyArray) -> str:
    """Digest of an image's dtype, shape and pixels.

    It tells of images that changed between two readings, not of forged ones: XXH3 of 128 bits is as fast as the memory.
    """
    state = xxhash.xxh3_128(f"{image.dtype.str}{image.shape}".encode())
    state.update(np.ascontiguousarray(image).data)
    return state.hexdigest()


def file_digest(path: Path) -> str:
    """Digest of what a file holds; a file that this process has read is read again only when its size or time differ.

    Raises
    ------
    OSError
        It cannot be read.
    """
    state = path.stat()
    return _file_digest(path, state.st_size, state.st_mtime_ns)


@lru_cache
def _file_digest(path: Path, size: int, mtime_ns: int) -> str:
    del size, mtime_ns
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=LENGTH)).hexdigest()


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever json can write
    """Stand in for a value that json cannot write."""
    counts, package = _counts(value), offered_by(type(value).__module__)
    return [counts, package] if package else counts


def _counts(value: object) -> Any:  # noqa: ANN401 - whatever json can write
    """Return what of a value counts: its `identity` where its type defines one, else its fields."""
    if hasattr(value, "identity"):
        return value.identity
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no digest")
