"""Segment the fields of one partition."""

from pathlib import Path

import polars as pl
from prefect import task

from tasks.core.cells import field_cells
from tasks.core.digest import digest
from tasks.core.errors import Fault
from tasks.core.faults import isolate_faults
from tasks.core.partition_files import BORDER, compact, write_cells
from tasks.core.pixel_source import PixelSource, read_images
from tasks.core.types import AnyArray, Segmentation
from tasks.core.work import Partition, StageResult, Stopwatch
from tasks.segment.config import Segment
from tasks.segment.stage import segment_image


@task(name="segment", version="3")
def segment_partition(
    *, partition: Partition, source: PixelSource, config: Segment, folder: str, run_id: str
) -> StageResult:
    """Read the fields of a partition, find their objects, and write tables and label images."""
    watch = Stopwatch()
    images, layout = read_images(partition, source=source), source.layout
    tables = [pl.DataFrame(schema=layout.cells())]
    labels: dict[tuple[int, str], AnyArray] = {}
    for image, pixels in zip(images.table.iter_slices(1), images.pixels, strict=True):
        if pixels is None:
            continue

        def find(_: range, pixels: AnyArray = pixels) -> Segmentation:
            return segment_image(pixels, channels=layout.channels, config=config)

        results, failed = isolate_faults(1, find)
        images.faults.extend(Fault.of(error, image=image["meta__image"].item(), stage="segment") for _, error in failed)
        for _, segmented in results:
            tables.append(field_cells(image, segmented=segmented, layout=layout))
            position = image["position"].item()
            labels |= {(position, name): compact(own) for name, own in segmented.labels.items()}
            labels |= {(position, name + BORDER): compact(own) for name, own in segmented.border.items()}
    counts = write_cells(
        Path(folder), images=images.table, faults=images.faults, cells=pl.concat(tables), labels=labels
    )
    return watch.result(folder, run_id=run_id, counts=counts, content=digest(images.table["digest"].to_list()))
