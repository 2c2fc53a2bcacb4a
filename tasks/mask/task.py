"""Mask the stamps of one partition."""

from pathlib import Path

import numpy as np
import polars as pl
from prefect import task

from tasks.core.cells import stamp_cells
from tasks.core.digest import digest
from tasks.core.errors import Fault
from tasks.core.layout import Layout
from tasks.core.partition_files import write_found
from tasks.core.types import Batch
from tasks.core.work import Made, Partition, Stopwatch
from tasks.mask.config import Mask
from tasks.mask.stage import mask_batch
from tasks.pixels import Reading, StampBatch, read_images, stamp_batches

VERSION = 3
"""Raise it when the same configuration gives other masks."""


@task(name="mask")
def mask_partition(*, folder: str, partition: Partition, reading: Reading, config: Mask, run: str) -> Made:
    """Read the stamps of a partition, mask them, and write what was found into `folder`."""
    watch = Stopwatch()
    images = read_images(partition, reading=reading)
    tables: list[pl.DataFrame] = []
    for stamps in stamp_batches(images.pixels, channels=reading.channels.names):
        found, faults = _mask_stamps(stamps, table=images.table, config=config, layout=reading.layout)
        tables += found
        images.faults.extend(faults)
    cells = pl.concat([pl.DataFrame(schema=reading.layout.cells()), *tables]).sort("position")
    counts = write_found(Path(folder), images=images.table, faults=images.faults, cells=cells)
    content = digest(images.table["digest"].to_list())
    return Made(counts=counts, digest=content, seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


def _mask_stamps(
    stamps: StampBatch, *, table: pl.DataFrame, config: Mask, layout: Layout
) -> tuple[list[pl.DataFrame], list[Fault]]:
    """Mask a batch; where that fails, stamp by stamp, so that one faulty stamp does not take the others along."""
    try:
        return [stamp_cells(table[stamps.rows], masked=mask_batch(stamps.batch, config=config), layout=layout)], []
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever one stamp does, the others go on
        if len(stamps.rows) == 1:
            return [], [Fault.of(error, image=table[stamps.rows]["meta__image"].item(), stage="mask")]
    found: list[pl.DataFrame] = []
    faults: list[Fault] = []
    for row, image in zip(stamps.rows, stamps.batch.pixels.unstack(), strict=True):
        alone = StampBatch(rows=np.array([row]), batch=Batch.of([image], channels=stamps.batch.channels))
        tables, faulty = _mask_stamps(alone, table=table, config=config, layout=layout)
        found += tables
        faults += faulty
    return found, faults
