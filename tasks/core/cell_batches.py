"""Cells of a partition, ready to be measured: their pixels, read again, and the masks or labels found before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from tasks.core.cells import stamp_regions
from tasks.core.crop import Crop, crop_cells
from tasks.core.errors import Fault, InputChangedError
from tasks.core.file_names import IMAGES
from tasks.core.partition_files import read_objects
from tasks.core.pixel_source import PixelSource, SourceImages, read_images, stamp_batches
from tasks.core.storage import read_table
from tasks.core.transforms import ScaleTransform
from tasks.core.types import AnyArray, Batch, Region
from tasks.core.work import Partition, StageResult, discard_result


@dataclass(frozen=True, slots=True, kw_only=True)
class CellBatch:
    """Cells of one dtype.

    Parameters
    ----------
    cells
        Their rows of the table of cells.
    batch, regions
        Their pixels, and where to measure.
    frames
        The whole (C, H, W) image of each.
    """

    cells: pl.DataFrame
    batch: Batch
    regions: tuple[Region, ...]
    frames: list[AnyArray]

    def take(self, rows: Sequence[int]) -> "CellBatch":
        """Return some of the cells; the batch itself where those are all."""
        if len(rows) == len(self.cells):
            return self
        return CellBatch(
            cells=self.cells[list(rows)],
            batch=self.batch.take(rows),
            regions=tuple(region.take(rows) for region in self.regions),
            frames=[self.frames[row] for row in rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCells:
    """Cells of the images that are read at a time.

    Parameters
    ----------
    batches
        The cells, made ready as they are asked for: of stamps a batch per dtype, of fields one per field.
    faults
        Why images have none.
    """

    batches: Iterator[CellBatch]
    faults: list[Fault]


def read_cells(
    cells: StageResult, *, kept: pl.DataFrame, partition: Partition, source: PixelSource, crop: Crop
) -> Iterator[ImageCells]:
    """Read the pixels of cells again, some images at a time, and join them with the masks or labels found before.

    Parameters
    ----------
    cells
        What masking or segmentation wrote for this partition.
    kept
        The rows of its table of cells that are wanted.

    Raises
    ------
    InputChangedError
        An image's pixels are no longer those that were masked.
    """
    for images in read_images(partition, source=source, positions=sorted(set(kept["position"]))):
        _check_unchanged(images.table, cells=cells)
        scaled = images if source.scale is None else images.transformed(source.scale)
        batches = (
            _stamps(scaled, kept=kept, source=source)
            if source.layout.stamps
            else _fields(scaled, kept=kept, cells=cells, source=source, crop=crop)
        )
        yield ImageCells(batches=batches, faults=scaled.faults)


def _stamps(images: SourceImages, *, kept: pl.DataFrame, source: PixelSource) -> Iterator[CellBatch]:
    channels = source.layout.channels
    for stamps in stamp_batches(images.pixels, channels=channels):
        order = images.table[stamps.rows].select("position")
        own = order.join(kept, on="position", maintain_order="left").select(kept.columns)
        shapes = stamps.batch.pixels.shapes
        pairs = [stamp_regions(own, name=name, channels=channels, shapes=shapes) for name in source.layout.regions]
        regions = tuple(region for pair in pairs for region in pair)
        if source.scale is not None:
            regions = _scaled_backgrounds(regions, cells=own, scale=source.scale)
        yield CellBatch(cells=own, batch=stamps.batch, regions=regions, frames=stamps.batch.pixels.unstack())


def _scaled_backgrounds(regions: Sequence[Region], *, cells: pl.DataFrame, scale: ScaleTransform) -> tuple[Region, ...]:
    """Put the backgrounds of stamps, which were measured when they were masked, on the scale of their pixels."""
    apply = scale.open_levels()
    metadata = list(cells.iter_rows(named=True))
    return tuple(
        replace(
            region,
            background=np.stack([apply(own, meta) for own, meta in zip(region.background, metadata, strict=True)]),
        )
        for region in regions
    )


def _fields(
    images: SourceImages, *, kept: pl.DataFrame, cells: StageResult, source: PixelSource, crop: Crop
) -> Iterator[CellBatch]:
    for position, image in zip(images.table["position"], images.pixels, strict=True):
        if image is None:
            continue
        own = kept.filter(pl.col("position") == position)
        batch, objects = crop_cells(
            image,
            labels=read_objects(Path(cells.folder), position=position, names=source.layout.regions),
            numbers=own["meta__object"].to_list(),
            channels=source.layout.channels,
            crop=crop,
        )
        yield CellBatch(cells=own, batch=batch, regions=objects, frames=[image] * len(own))


def _check_unchanged(images: pl.DataFrame, *, cells: StageResult) -> None:
    before = read_table(cells.file(IMAGES), columns=["position", "digest"])
    both = images.join(before, on="position", suffix="_before")
    changed = both.filter(pl.col("digest") != pl.col("digest_before"))["meta__image"].to_list()
    if changed:
        discard_result(Path(cells.folder))
        raise InputChangedError(changed)
