"""Segment the fields of one partition."""

from pathlib import Path

import polars as pl
from prefect import task

from tasks.core.cells import field_cells
from tasks.core.digest import digest
from tasks.core.errors import Fault
from tasks.core.partition_files import BORDER, compact, write_found
from tasks.core.types import AnyArray
from tasks.core.work import Made, Partition, Stopwatch
from tasks.pixels import Reading, read_images
from tasks.segment.config import Segment
from tasks.segment.stage import segment_image

VERSION = 3
"""Raise it when the same configuration gives other labels."""


@task(name="segment")
def segment_partition(*, folder: str, partition: Partition, reading: Reading, config: Segment, run: str) -> Made:
    """Read the fields of a partition, find their objects, and write tables and label images into `folder`."""
    watch = Stopwatch()
    images = read_images(partition, reading=reading)
    tables: list[pl.DataFrame] = []
    labels: dict[tuple[int, str], AnyArray] = {}
    for row, pixels in enumerate(images.pixels):
        if pixels is None:
            continue
        image = images.table[row]
        try:
            segmented = segment_image(pixels, channels=reading.channels.names, config=config)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one field does, the others go on
            images.faults.append(Fault.of(error, image=image["meta__image"].item(), stage="segment"))
            continue
        tables.append(field_cells(image, segmented=segmented, layout=reading.layout))
        position = image["position"].item()
        labels |= {(position, name): compact(found) for name, found in segmented.labels.items()}
        labels |= {(position, name + BORDER): compact(found) for name, found in segmented.border.items()}
    cells = pl.concat([pl.DataFrame(schema=reading.layout.cells()), *tables])
    counts = write_found(Path(folder), images=images.table, faults=images.faults, cells=cells, labels=labels)
    content = digest(images.table["digest"].to_list())
    return Made(counts=counts, digest=content, seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)
