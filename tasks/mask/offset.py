"""Signed pixels as the unsigned ones that they stand for: a camera's offset is no light."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tasks.core.types import AnyArray, Batch, Ragged

WIDEST = 4
"""Bytes; float64, in which masks are computed, holds no larger unsigned numbers exactly."""


def least_number(dtype: npt.DTypeLike) -> float:
    """Smallest number of a signed integer type, which stands for no light where pixels are negative; −inf of others."""
    kind = np.dtype(dtype)
    return float(np.iinfo(kind).min) if kind.kind == "i" and kind.itemsize <= WIDEST else -np.inf


def without_offset(batch: Batch) -> Batch:
    """Shift the channels of a stamp that have negative pixels of a signed integer type by its smallest number.

    A file with counts in int16 holds them from −32768 on, or from 0 on. The result is the same: counts from 0 on in the
    unsigned type of the same width. Pixels of other types, and integers of more than 32 bits, stay as they are.

    Examples
    --------
    >>> signed = Batch.of([np.array([[[-32768, -32758]], [[7, 9]]], dtype=np.int16)], channels=["BF", "PI"])
    >>> without_offset(signed).pixels.flat.tolist()
    [0, 10, 7, 9]
    """
    dtype = batch.pixels.flat.dtype
    if not np.isfinite(least_number(dtype)):
        return batch
    counts: AnyArray = batch.pixels.flat.astype(np.dtype(f"u{dtype.itemsize}"))
    shifted = Ragged(flat=counts, shapes=batch.pixels.shapes, n_channels=batch.pixels.n_channels)
    sign = counts.dtype.type(1 << (8 * dtype.itemsize - 1))
    for image, stamp in zip(batch.pixels.unstack(), shifted.unstack(), strict=True):
        # turning the sign's bit is subtracting the smallest number
        stamp[:] ^= sign * (image < 0).any(axis=(1, 2), keepdims=True)
    return replace(batch, pixels=shifted)
