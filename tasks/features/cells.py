"""One cell of a batch at a time, as the plain families look at it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.core.types import Batch, BoolArray, FloatArray, Region

LARGEST = 1e75
"""Magnitude from which a pixel counts as missing: its fourth power, summed over a cell, would leave float64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Pixels of one cell and the region in which they are measured.

    Parameters
    ----------
    pixels
        (C, H, W) float64.
    masks
        (P, H, W) bool, P = 1 where all channels share the region, else C.
    background
        (C,) float64.
    """

    pixels: FloatArray
    masks: BoolArray
    background: FloatArray

    def channel(self, number: int) -> "ChannelCell":
        """Return the pixels of a channel, the mask that serves it and its background."""
        mask = self.masks[number if len(self.masks) > 1 else 0]
        return ChannelCell(pixels=self.pixels[number], mask=mask, background=float(self.background[number]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCell:
    """One channel of a cell.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool.
    background
        What statistics less the background subtract.
    """

    pixels: FloatArray
    mask: BoolArray
    background: float


def check_fit(batch: Batch, region: Region) -> None:
    """Check that a region was made for a batch.

    Raises
    ------
    ValueError
        The region was made for another batch: number, size or channels of its cells differ.
    """
    if len(region.masks) != len(batch) or not np.array_equal(region.masks.shapes, batch.pixels.shapes):
        raise ValueError(
            f"region {region.name!r} has {len(region.masks)} masks, the batch {len(batch)} cells; both need the same "
            "cells in the same order, and each mask the height and width of its cell"
        )
    if region.background.shape != (len(batch), len(batch.channels)):
        raise ValueError(
            f"region {region.name!r} has backgrounds of shape {region.background.shape}, expected "
            f"{(len(batch), len(batch.channels))}: one per cell and channel"
        )


def cells(batch: Batch, region: Region) -> Iterator[Cell]:
    """Yield the cells of a batch with their masks; `check_fit` says what is an error."""
    check_fit(batch, region)
    for pixels, masks, background in zip(
        batch.pixels.unstack(), region.masks.unstack(), region.background, strict=True
    ):
        yield Cell(pixels=pixels.astype(np.float64), masks=masks.astype(np.bool_), background=background)


def valid_pixels(values: FloatArray) -> BoolArray:
    """Where pixels are numbers: neither NaN nor infinite nor beyond `LARGEST`."""
    return np.abs(values) < LARGEST
