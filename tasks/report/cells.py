"""Pictures of cells: what surrounds each, its channels side by side, and where its masks or objects end."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tasks.core.cells import unpack
from tasks.core.decision import KEPT
from tasks.core.layout import Layout
from tasks.core.partition_files import read_objects
from tasks.core.transforms import PixelWindow
from tasks.core.types import BoolArray
from tasks.report.images import ShownImage
from tasks.report.material import CellPicture, Display
from tasks.report.pictures import encoded, strip
from tasks.report.sample import ShownCell

MARGIN = 6
"""Pixels of a field around a cell's objects."""

LARGEST = 96
"""Longest side of a channel in a picture; of what is larger the middle is shown."""

QUALITY = "quality:"

Row = Mapping[str, Any]
"""A cell's columns of the work table of cells."""


def draw_cells(
    image: ShownImage,
    *,
    shown: Sequence[ShownCell],
    table: pl.DataFrame,
    folder: Path,
    layout: Layout,
    display: Display,
    most_bytes: int,
) -> Iterator[CellPicture]:
    """Draw the shown cells of one image.

    Parameters
    ----------
    shown
        Cells of that image.
    table
        Its rows of the work table of cells.
    folder
        Result of masking or segmentation, where label images are.
    most_bytes
        Of each picture.
    """
    regions = [name for name in display.outlines if name in layout.regions]
    labels = {} if layout.stamps else read_objects(folder, position=image.position, names=regions)
    rows = {row["meta__object"]: row for row in table.iter_rows(named=True)}
    channels = [layout.channels.index(channel.name) for channel in display.channels]
    height, width = image.pixels.shape[1:]
    for cell in shown:
        row = rows[cell.object]
        window = window_of(row, layout=layout, shape=(height, width), most=LARGEST * display.reduction)
        cut = np.s_[..., window.row_start : window.row_stop, window.col_start : window.col_stop]
        masks = (
            _masks_of_stamp(row, regions=regions, n_channels=len(layout.channels), shape=(height, width))
            if layout.stamps
            else {name: (own[cut] == cell.object)[None] for name, own in labels.items()}
        )
        picture = strip(
            image.pixels[cut][channels],
            ranges=display.channels,
            masks={name: mask[cut][channels] for name, mask in masks.items()} if layout.stamps else masks,
            colours=display.outlines,
            reduction=display.reduction,
        )
        yield CellPicture(
            image=cell.image,
            object=cell.object,
            status=cell.status,
            rule=cell.status.removeprefix(QUALITY) if cell.status.startswith(QUALITY) else None,
            rank=cell.rank,
            width=picture.shape[1],
            height=picture.shape[0],
            webp=encoded(picture, most_bytes=most_bytes),
            alt=_in_words(cell, display=display, stamps=layout.stamps),
        )


def window_of(row: Row, *, layout: Layout, shape: tuple[int, int], most: int) -> PixelWindow:
    """Choose what is shown around a cell: of a stamp all, of a field the box of all objects and `MARGIN` pixels.

    No side is longer than `most`; of what is larger the middle of the box is shown.
    """
    boxes = [
        [row[f"meta__bbox_{side}_{axis}__{region}"] for region in layout.regions]
        for axis in ("row", "col")
        for side in ("min", "max")
    ]
    low_row, high_row, low_col, high_col = ([value for value in side if value is not None] for side in boxes)
    spans = [
        _span(min(low, default=0), max(high, default=length), length=length, most=most, all_of_it=layout.stamps)
        for low, high, length in ((low_row, high_row, shape[0]), (low_col, high_col, shape[1]))
    ]
    return PixelWindow(*spans[0], *spans[1])


def _span(low: int, high: int, *, length: int, most: int, all_of_it: bool) -> tuple[int, int]:
    """Return first and last, half open, of the pixels that are shown along one axis."""
    start, stop = (0, length) if all_of_it else (max(low - MARGIN, 0), min(high + MARGIN, length))
    if stop - start <= most:
        return start, stop
    start = min(max((low + high - most) // 2, start), stop - most)
    return start, start + most


def _masks_of_stamp(
    row: Row, *, regions: Sequence[str], n_channels: int, shape: tuple[int, int]
) -> dict[str, BoolArray]:
    """Masks of a stamp, (C, H, W) each."""
    shapes = np.array([shape])
    return {name: unpack([row[f"mask__{name}"]], shapes=shapes, n_channels=n_channels).unstack()[0] for name in regions}


def _in_words(cell: ShownCell, *, display: Display, stamps: bool) -> str:
    """Say what a picture shows, to those who do not see it."""
    which = cell.image if stamps else f"cell {cell.object} of {cell.image}"
    status = cell.status if cell.status == KEPT else f"rejected ({cell.status})"
    channels = ", ".join(channel.name for channel in display.channels)
    return f"{which}, {status}; from left to right {channels}"
