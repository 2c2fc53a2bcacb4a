"""Mask the stamps of one partition."""

from pathlib import Path

import polars as pl
from prefect import task

from tasks.core.cells import stamp_cells
from tasks.core.digest import digest
from tasks.core.errors import Fault
from tasks.core.faults import isolate_faults
from tasks.core.layout import Layout
from tasks.core.partition_files import write_cells
from tasks.core.pixel_source import PixelSource, SourceImages, StampBatch, read_images, stamp_batches
from tasks.core.work import Partition, StageResult, Stopwatch
from tasks.mask.config import Mask
from tasks.mask.stage import mask_batch


@task(name="mask", version="3")
def mask_partition(*, partition: Partition, source: PixelSource, config: Mask, folder: str, run_id: str) -> StageResult:
    """Read the stamps of a partition, mask them, and write the cells that were found."""
    watch = Stopwatch()
    tables, cells, faults = [], [], []
    for images in read_images(partition, source=source, masks=config.from_files):
        tables.append(images.table)
        cells.append(_mask(images, config=config, layout=source.layout))
        faults += images.faults
    table = pl.concat(tables)
    counts = write_cells(Path(folder), images=table, faults=faults, cells=pl.concat(cells))
    return watch.result(folder, run_id=run_id, counts=counts, content=digest(table["digest"].to_list()))


def _mask(images: SourceImages, *, config: Mask, layout: Layout) -> pl.DataFrame:
    """Mask the images read at a time; those on which that fails are set aside among their faults."""
    tables = [pl.DataFrame(schema=layout.cells())]
    for stamps in stamp_batches(images.pixels, channels=layout.channels, masks=images.masks):

        def mask(rows: range, stamps: StampBatch = stamps) -> pl.DataFrame:
            some = stamps.take(rows)
            return stamp_cells(images.table[some.rows], masked=mask_batch(some.batch, config=config), layout=layout)

        masked, failed = isolate_faults(len(stamps.rows), mask)
        tables += [table for _, table in masked]
        names = images.table["meta__image"]
        images.faults.extend(Fault.of(error, image=names[int(stamps.rows[row])], stage="mask") for row, error in failed)
    return pl.concat(tables).sort("position")
