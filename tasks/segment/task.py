"""Segment the fields of one partition."""

from pathlib import Path

import polars as pl
from prefect import task

from tasks.core.cells import field_cells
from tasks.core.digest import digest
from tasks.core.errors import Fault
from tasks.core.faults import isolate_faults
from tasks.core.layout import Layout
from tasks.core.partition_files import BORDER, write_cell_tables, write_labels
from tasks.core.pixel_source import PixelSource, SourceImages, read_images
from tasks.core.types import AnyArray, Segmentation
from tasks.core.work import Partition, StageResult, Stopwatch, result_folder
from tasks.segment.config import Segment
from tasks.segment.stage import segment_image


@task(name="segment", version="4")
def segment_partition(
    *, partition: Partition, source: PixelSource, config: Segment, folder: str, run_id: str
) -> StageResult:
    """Read the fields of a partition, find their objects, and write tables and label images."""
    watch = Stopwatch()
    tables, cells, faults = [], [pl.DataFrame(schema=source.layout.cells())], []
    with result_folder(Path(folder)) as temporary:
        for images in read_images(partition, source=source):
            tables.append(images.table)
            cells += _segment(images, config=config, layout=source.layout, folder=temporary)
            faults += images.faults
        table = pl.concat(tables)
        counts = write_cell_tables(temporary, images=table, faults=faults, cells=pl.concat(cells))
    return watch.result(folder, run_id=run_id, counts=counts, content=digest(table["digest"].to_list()))


def _segment(images: SourceImages, *, config: Segment, layout: Layout, folder: Path) -> list[pl.DataFrame]:
    """Segment the fields read at a time and write their labels; those that fail are set aside among their faults."""
    tables: list[pl.DataFrame] = []
    for image, pixels in zip(images.table.iter_slices(1), images.pixels, strict=True):
        if pixels is None:
            continue

        def segment(_: range, pixels: AnyArray = pixels) -> Segmentation:
            return segment_image(pixels, channels=layout.channels, config=config)

        segmentations, failed = isolate_faults(1, segment)
        images.faults.extend(Fault.of(error, image=image["meta__image"].item(), stage="segment") for _, error in failed)
        for _, segmented in segmentations:
            tables.append(field_cells(image, segmented=segmented, layout=layout))
            position = image["position"].item()
            write_labels(folder, {(position, name): own for name, own in segmented.labels.items()})
            write_labels(folder, {(position, name + BORDER): own for name, own in segmented.border.items()})
    return tables
