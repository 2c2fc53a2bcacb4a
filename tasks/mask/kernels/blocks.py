"""Batches as the kernels of masks take them: float64 channels, some cells at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.core.types import Batch, FloatArray, IntArray

PIXELS = 1 << 21
"""About how many pixels are converted at a time, so that memory does not grow with the batch."""

EXACT = 1 << 53
"""Whole numbers up to here are float64 numbers, and so are sums that do not exceed it, in whatever order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some consecutive cells of a batch.

    Parameters
    ----------
    cells
        Which ones.
    flat_pixels
        Where their pixels lie in the batch's flat buffer.
    pixels
        Flat float64, (C, Hᵢ, Wᵢ) per cell.
    shapes
        (n, 2) int64.
    """

    cells: slice
    flat_pixels: slice
    pixels: FloatArray
    shapes: IntArray


def fits(batch: Batch) -> bool:
    """Whether float64 keeps all that matters of a batch's pixels: integers of any size as the plain code takes them."""
    dtype = batch.pixels.flat.dtype
    return dtype.kind in "biu" or (dtype.kind == "f" and dtype.itemsize <= 8)


def sums_exactly(batch: Batch) -> bool:
    """Whether the sum of any of a channel's pixels is a float64 number, so that its order does not matter."""
    dtype = batch.pixels.flat.dtype
    if dtype.kind not in "biu" or dtype.itemsize > 4 or not len(batch):
        return False
    largest = 1 if dtype.kind == "b" else 1 << (8 * dtype.itemsize)
    return largest * int(batch.pixels.shapes.prod(axis=1).max()) <= EXACT


def blocks(batch: Batch) -> Iterator[Block]:
    """Cut a batch into blocks of about `PIXELS` pixels, a cell at least."""
    shapes = np.ascontiguousarray(batch.pixels.shapes, dtype=np.int64)
    flat, ends = batch.pixels.flat, batch.pixels.offsets
    first = 0
    while first < len(batch):
        stop = max(first + 1, int(np.searchsorted(ends, ends[first] + PIXELS, side="right")) - 1)
        flat_pixels = slice(int(ends[first]), int(ends[stop]))
        cells = slice(first, stop)
        yield Block(
            cells=cells,
            flat_pixels=flat_pixels,
            pixels=np.ascontiguousarray(flat[flat_pixels], dtype=np.float64),
            shapes=shapes[cells],
        )
        first = stop
