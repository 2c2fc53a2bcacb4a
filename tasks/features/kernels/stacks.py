"""Batches and regions as the kernels take them: flat buffers of few types."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.core.kernels.bits import Stream, stream_of
from tasks.core.types import AnyArray, Batch, FloatArray, IntArray, Region

PIXELS = 1 << 21
"""About how many pixels are converted at a time, so that memory does not grow with the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Some consecutive cells of a batch.

    Parameters
    ----------
    cells
        Which ones.
    pixels
        Flat, uint16 or float64, (C, Hᵢ, Wᵢ) per cell.
    masks
        A stream of bits, (P, Hᵢ, Wᵢ) per cell; P is 1 where the channels share the region, else C.
    shapes
        (n, 2) int64.
    background
        (n, C) float64.
    """

    cells: slice
    pixels: AnyArray
    masks: Stream
    shapes: IntArray
    background: FloatArray


def stacks(batch: Batch, region: Region, *, real: bool = False) -> Iterator[Stack]:
    """Cut a batch and the region in which it is measured into stacks.

    Pixels of types that fit into uint16 become that, all others float64. The type alone decides, never the values, so
    that the features of a cell do not depend on the cells that share its batch. With `real` all become float64, for
    kernels that gain nothing from whole numbers.
    """
    masks = np.asarray(region.masks.flat, dtype=np.bool_)
    shapes = np.ascontiguousarray(batch.pixels.shapes, dtype=np.int64)
    background = np.ascontiguousarray(region.background, dtype=np.float64)
    flat = batch.pixels.flat
    kind = np.dtype(np.uint16 if not real and np.can_cast(flat.dtype, np.uint16) else np.float64)
    ends, mask_ends = batch.pixels.offsets, region.masks.offsets
    first = 0
    while first < len(batch):
        stop = len(batch)
        if flat.dtype != kind:
            stop = max(first + 1, int(np.searchsorted(ends, ends[first] + PIXELS, side="right")) - 1)
        cells = slice(first, stop)
        yield Stack(
            cells=cells,
            pixels=np.ascontiguousarray(flat[ends[first] : ends[stop]], dtype=kind),
            masks=stream_of(masks[mask_ends[first] : mask_ends[stop]]),
            shapes=shapes[cells],
            background=background[cells],
        )
        first = stop
