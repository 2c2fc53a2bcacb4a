"""The images a task works on: read, checked, and gathered into batches of one dtype.

Every task that needs pixels reads them itself; none travel between tasks.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tasks.core.cells import stamp_regions
from tasks.core.cutout import CutOut, cut_out
from tasks.core.errors import Fault, InputChangedError, PixelError
from tasks.core.layout import Layout
from tasks.core.partition_files import read_objects
from tasks.core.storage import read_table
from tasks.core.types import AnyArray, Batch, IntArray, Region
from tasks.core.work import Frozen, Partition
from tasks.illumination.files import Corrections, Corrector
from tasks.ingest.channels import Channels
from tasks.ingest.load import load_images
from tasks.ingest.references import from_frame
from tasks.normalize.scaling import Scaling, apply, apply_levels


class Scaled(Frozen):
    """Where the scaling of pixels stands, and its digest."""

    file: str
    digest: str

    def read(self) -> Scaling:
        """Read it."""
        return Scaling.model_validate_json(Path(self.file).read_text(encoding="utf-8"))


class Reading(Frozen):
    """How the images of a run are read: what all of its tasks that look at pixels have in common.

    Parameters
    ----------
    channels
        Which channels are read.
    layout
        Columns of the run's tables.
    illumination
        The correction images that they are divided by.
    scaling
        How the pixels of cells are scaled afterwards; images as `read_images` returns them are not.
    """

    channels: Channels
    layout: Layout
    illumination: Corrections | None = None
    scaling: Scaled | None = None

    @property
    def state(self) -> tuple[object, ...]:
        """What results depend on, wherever they lie."""
        scaling = "" if self.scaling is None else self.scaling.digest
        return self.layout, "" if self.illumination is None else self.illumination.key, scaling


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """The images of one task.

    Parameters
    ----------
    table
        A row per image: `Layout.images` and ``position``, its row within the partition.
    pixels
        (C, H, W) per image, corrected; None where it could not be read.
    faults
        Why not.
    """

    table: pl.DataFrame
    pixels: list[AnyArray | None]
    faults: list[Fault]


def read_images(partition: Partition, *, reading: Reading, positions: Sequence[int] | None = None) -> Images:
    """Read the images of a partition, or those at the given positions in it."""
    index = pl.scan_parquet(partition.index, glob=False).slice(partition.start, partition.images).collect()
    index = index.with_row_index("position")
    if positions is not None:
        index = index.filter(pl.col("position").is_in(list(positions)))
    references = from_frame(index)
    loaded = load_images(references, channels=reading.channels)
    shapes = [(None, None) if image is None else image.shape[1:] for image in loaded.images]
    dtypes = [None if image is None else image.dtype.name for image in loaded.images]
    statuses = ["quarantined" if image is None else "read" for image in loaded.images]
    table = index.rename({"image": "meta__image"}).with_columns(
        pl.Series("status", statuses, dtype=pl.String),
        pl.lit(0).alias("cells"),
        pl.Series("height", [shape[0] for shape in shapes], dtype=pl.Int32),
        pl.Series("width", [shape[1] for shape in shapes], dtype=pl.Int32),
        pl.Series("dtype", dtypes, dtype=pl.String),
        pl.col("size").alias("bytes"),
        pl.col("mtime_ns").alias("modified_ns"),
        pl.Series("digest", loaded.digests, dtype=pl.String),
        pl.col("object_number").alias("meta__object_number"),
        *(
            pl.lit(None).alias(f"meta__{group}")
            for group in reading.layout.groups
            if f"meta__{group}" not in index.columns
        ),
    )
    columns = reading.layout.images() | {"position": pl.Int32()}
    table = table.select(pl.col(name).cast(dtype) for name, dtype in columns.items())
    images = Images(table=table, pixels=loaded.images, faults=list(loaded.faults))
    if reading.illumination is None:
        return images
    return _prepared(images, Corrector(reading.illumination), stage="illumination")


def _prepared(images: Images, prepare: Callable[[AnyArray, Mapping[str, Any]], AnyArray], *, stage: str) -> Images:
    """Change the pixels of images, each given its metadata; set aside those of which nothing is known."""
    pixels: list[AnyArray | None] = []
    faults = list(images.faults)
    for meta, image in zip(images.table.iter_rows(named=True), images.pixels, strict=True):
        try:
            pixels.append(None if image is None else prepare(image, meta))
        except PixelError as error:
            pixels.append(None)
            faults.append(Fault.of(error, image=meta["meta__image"], stage=stage))
    return Images(table=images.table, pixels=pixels, faults=faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class StampBatch:
    """Stamps of one dtype, and which of the task's images they are."""

    rows: IntArray
    batch: Batch


def stamp_batches(images: Sequence[AnyArray | None], *, channels: Sequence[str]) -> Iterator[StampBatch]:
    """Gather images into batches of equal dtype, in the order in which the dtypes appear; None is left out.

    A batch of mixed dtypes would be promoted, and what is measured of an image would depend on its neighbours.
    """
    rows: dict[np.dtype[Any], list[int]] = {}
    for row, image in enumerate(images):
        if image is not None:
            rows.setdefault(image.dtype, []).append(row)
    for own in rows.values():
        stamps = [image for row in own if (image := images[row]) is not None]
        yield StampBatch(rows=np.array(own), batch=Batch.of(stamps, channels=channels))


@dataclass(frozen=True, slots=True, kw_only=True)
class CellBatch:
    """Cells of one dtype, ready to be measured.

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
        """Return some of the cells."""
        return CellBatch(
            cells=self.cells[list(rows)],
            batch=self.batch.take(rows),
            regions=tuple(region.take(rows) for region in self.regions),
            frames=[self.frames[row] for row in rows],
        )


def read_cells(
    found: Path, *, cells: pl.DataFrame, partition: Partition, reading: Reading, how: CutOut
) -> tuple[list[CellBatch], list[Fault]]:
    """Read the pixels of cells again, and join them with the masks or labels found before.

    Parameters
    ----------
    found
        Folder that masking or segmentation wrote for this partition.
    cells
        The rows of its table of cells that are wanted.

    Raises
    ------
    InputChangedError
        An image's pixels are no longer those that were masked.
    """
    positions = sorted(set(cells["position"]))
    images = read_images(partition, reading=reading, positions=positions)
    channels, layout = reading.channels.names, reading.layout
    _check_unchanged(images.table, found=found)
    scaling = None if reading.scaling is None else reading.scaling.read()
    if scaling is not None:
        images = _prepared(images, _scaler(scaling), stage="normalize")
    batches: list[CellBatch] = []
    if layout.stamps:
        for stamps in stamp_batches(images.pixels, channels=channels):
            order = images.table[stamps.rows].select("position")
            own = order.join(cells, on="position", maintain_order="left").select(cells.columns)
            shapes = stamps.batch.pixels.shapes
            regions = [stamp_regions(own, name=name, channels=channels, shapes=shapes) for name in layout.regions]
            flat = tuple(region for pair in regions for region in pair)
            if scaling is not None:
                flat = tuple(_scaled_background(region, cells=own, scaling=scaling) for region in flat)
            frames = stamps.batch.pixels.unstack()
            batches.append(CellBatch(cells=own, batch=stamps.batch, regions=flat, frames=frames))
        return batches, images.faults
    for position, image in zip(images.table["position"], images.pixels, strict=True):
        if image is not None:
            own = cells.filter(pl.col("position") == position)
            batch, objects = cut_out(
                image,
                labels=read_objects(found, position=position, names=layout.regions),
                numbers=own["meta__object"].to_list(),
                channels=channels,
                how=how,
            )
            batches.append(CellBatch(cells=own, batch=batch, regions=objects, frames=[image] * len(own)))
    return batches, images.faults


def _scaler(scaling: Scaling) -> Callable[[AnyArray, Mapping[str, Any]], AnyArray]:
    return lambda image, meta: apply(image, scaling.of(_group(meta, scaling)), transform=scaling.transform)


def _scaled_background(region: Region, *, cells: pl.DataFrame, scaling: Scaling) -> Region:
    """Put the backgrounds of stamps, which were measured when they were masked, on the scale of their pixels."""
    background = region.background.copy()
    for row, meta in enumerate(cells.iter_rows(named=True)):
        group = scaling.of(_group(meta, scaling))
        background[row] = apply_levels(background[row], group, transform=scaling.transform)
    return replace(region, background=background)


def _group(meta: Mapping[str, Any], scaling: Scaling) -> dict[str, str]:
    return {name: meta.get(f"meta__{name}") or "" for name in scaling.group_by}


def _check_unchanged(images: pl.DataFrame, *, found: Path) -> None:
    before = read_table(found / "images.parquet", columns=["position", "digest"])
    both = images.join(before, on="position", suffix="_before")
    changed = both.filter(pl.col("digest") != pl.col("digest_before"))["meta__image"].to_list()
    if changed:
        shutil.rmtree(found)
        raise InputChangedError(
            f"{changed[0]} changed while the run went on ({len(changed)} such images in this partition); "
            "run the same command again, only what depends on it is redone"
        )
