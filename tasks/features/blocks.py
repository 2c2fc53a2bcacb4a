"""Batches and regions as the kernels take them: flat buffers of few types."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.core.types import AnyArray, Batch, FloatArray, IntArray, Region

Counts = npt.NDArray[np.uint16]
LevelArray = npt.NDArray[np.uint8]

PIXELS = 1 << 21
"""About how many pixels are converted at a time, so that memory does not grow with the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some consecutive cells of a batch.

    Parameters
    ----------
    cells
        Which ones.
    counts, reals
        Flat pixels, (C, Hᵢ, Wᵢ) per cell, uint16 or float64; one of the two is empty.
    integral
        Whether all pixels are whole numbers.
    masks
        A stream of bits, (P, Hᵢ, Wᵢ) per cell.
    n_masks
        P: 1 where the channels share the region, else C.
    shapes
        (n, 2) int64.
    background
        (n, C) float64.
    """

    cells: slice
    counts: Counts
    reals: FloatArray
    integral: bool
    masks: npt.NDArray[np.uint64]
    n_masks: int
    shapes: IntArray
    background: FloatArray

    @property
    def channels(self) -> int:
        """C, the number of channels."""
        return int(self.background.shape[1])


class LevelImages(NamedTuple):
    """Level images of a block of cells.

    Parameters
    ----------
    levels
        Flat, (C, Hᵢ, Wᵢ) per cell: 1 to 16 in the region, 0 outside.
    shapes
        (n, 2) int64.
    boxes
        (n, C, 4) int64, bounding box of the region: min row, min column, max row, max column, half open.
    areas
        (n, C) int64, pixels of the region; 0 also where one of them is no number.
    """

    levels: LevelArray
    shapes: IntArray
    boxes: IntArray
    areas: IntArray


def blocks(batch: Batch, region: Region) -> Iterator[Block]:
    """Cut a batch and the region in which it is measured into blocks.

    Pixels of types that fit into uint16 become that, all others float64. The type alone decides, never the values, so
    that the features of a cell do not depend on the cells that share its batch.
    """
    from tasks.core.kernels.bits import stream_of

    masks = np.asarray(region.masks.flat, dtype=np.bool_)
    shapes = np.ascontiguousarray(batch.pixels.shapes, dtype=np.int64)
    background = np.ascontiguousarray(region.background, dtype=np.float64)
    flat = batch.pixels.flat
    few = np.can_cast(flat.dtype, np.uint16)
    kind = np.dtype(np.uint16 if few else np.float64)
    ends, mask_ends = batch.pixels.offsets, region.masks.offsets
    first = 0
    while first < len(batch):
        stop = len(batch)
        if flat.dtype != kind:
            stop = max(first + 1, int(np.searchsorted(ends, ends[first] + PIXELS, side="right")) - 1)
        cells = slice(first, stop)
        pixels: AnyArray = np.ascontiguousarray(flat[ends[first] : ends[stop]], dtype=kind)
        yield Block(
            cells=cells,
            counts=pixels if few else np.empty(0, np.uint16),
            reals=np.empty(0) if few else pixels,
            integral=flat.dtype.kind in "iub",
            masks=stream_of(masks[mask_ends[first] : mask_ends[stop]]),
            n_masks=region.masks.n_channels,
            shapes=shapes[cells],
            background=background[cells],
        )
        first = stop
