"""Mask the stamps of one partition."""

from pathlib import Path

import polars as pl
from prefect import task

from tasks.core.cells import stamp_cells
from tasks.core.digest import digest
from tasks.core.errors import Fault
from tasks.core.faults import isolate_faults
from tasks.core.partition_files import write_cells
from tasks.core.pixel_source import PixelSource, StampBatch, read_images, stamp_batches
from tasks.core.work import Partition, StageResult, Stopwatch
from tasks.mask.config import Mask
from tasks.mask.stage import mask_batch


@task(name="mask", version="3")
def mask_partition(*, partition: Partition, source: PixelSource, config: Mask, folder: str, run_id: str) -> StageResult:
    """Read the stamps of a partition, mask them, and write the cells that were found."""
    watch = Stopwatch()
    images, layout = read_images(partition, source=source), source.layout
    tables = [pl.DataFrame(schema=layout.cells())]
    for stamps in stamp_batches(images.pixels, channels=layout.channels):

        def find(rows: range, stamps: StampBatch = stamps) -> pl.DataFrame:
            some = stamps.take(rows)
            masked = mask_batch(some.batch, config=config)
            return stamp_cells(images.table[some.rows], masked=masked, layout=layout)

        results, failed = isolate_faults(len(stamps.rows), find)
        tables += [table for _, table in results]
        names = images.table["meta__image"]
        images.faults.extend(Fault.of(error, image=names[int(stamps.rows[row])], stage="mask") for row, error in failed)
    cells = pl.concat(tables).sort("position")
    counts = write_cells(Path(folder), images=images.table, faults=images.faults, cells=cells)
    return watch.result(folder, run_id=run_id, counts=counts, content=digest(images.table["digest"].to_list()))
