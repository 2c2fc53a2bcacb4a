"""Measure the features of the cells kept in one partition."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from prefect import task

from tasks.core.cell_batches import CellBatch, ImageCells, read_cells
from tasks.core.columns import Column
from tasks.core.crop import CLIPPED, WITH_MARGIN
from tasks.core.decision import KEPT, QualityDecision
from tasks.core.errors import Fault
from tasks.core.faults import isolate_faults
from tasks.core.feature_files import write_feature_file
from tasks.core.file_names import CHILDREN, FEATURES
from tasks.core.partition_files import fault_table, in_table_order, kept_cells, read_children, write_faults
from tasks.core.pixel_source import PixelSource
from tasks.core.regions import COMBINED
from tasks.core.storage import read_table
from tasks.core.types import FloatArray
from tasks.core.work import PROVISIONAL, Partition, StageResult, Stopwatch, is_provisional, result_folder
from tasks.features.all_families import measure
from tasks.features.children import measure_children
from tasks.features.config import Features
from tasks.features.table import feature_table, table_columns

MeasureBatch = Callable[[CellBatch], FloatArray]
"""Returns (N, columns of the table) float64 of the N cells of a batch."""


@task(name="features", version="5")
def extract_partition(
    *,
    partition: Partition,
    cells: StageResult,
    metrics: StageResult | None,
    decision: QualityDecision,
    source: PixelSource,
    config: Features,
    folder: str,
    run_id: str,
) -> StageResult:
    """Measure the cells that are kept after the quality decision."""
    watch = Stopwatch()
    kept = kept_cells(cells, metrics=metrics, decision=decision)
    crop = CLIPPED if config.profile == "scip" else WITH_MARGIN
    layout = source.layout
    columns = table_columns(config=config, layout=layout)
    faults: list[Fault] = []
    related = read_table(cells.file(CHILDREN)) if layout.children else pl.DataFrame()

    def measure_batch(batch: CellBatch) -> FloatArray:
        values = measure(batch.batch, batch.regions, config=config)
        if not layout.children:
            return values
        of_field = read_children(Path(cells.folder), position=batch.cells["position"][0], table=related, layout=layout)
        means = [
            measure_children(
                batch.frames[0],
                children=children,
                numbers=batch.cells["meta__object"].to_numpy(),
                background=batch.regions[0].background[0],
                channels=layout.channels,
                config=config,
                crop=crop,
            )
            for children in of_field
        ]
        return np.concatenate([values, *means], axis=1)

    def measured(images: ImageCells) -> pa.Table:
        rows, values = _measure_images(images, kept=kept, columns=columns, measure_batch=measure_batch)
        return feature_table(rows, values=values, columns=columns, layout=layout, config=config)

    def tables() -> Iterator[pa.Table]:
        yield measured(ImageCells(batches=iter(()), faults=[]))  # there is a table even if no cell is kept
        for images in read_cells(cells, kept=kept, partition=partition, source=source, crop=crop):
            yield measured(images)
            faults.extend(images.faults)

    with result_folder(Path(folder)) as temporary:
        rows = write_feature_file(temporary / FEATURES, tables())
        write_faults(temporary, fault_table(in_table_order(faults, images=kept)))
        if is_provisional(cells, metrics) or not all(fault.settled for fault in faults):
            (temporary / PROVISIONAL).touch()
    return watch.result(folder, run_id=run_id, counts={"rows": rows, "quarantined": len(faults)})


def _measure_images(
    images: ImageCells, *, kept: pl.DataFrame, columns: Sequence[Column], measure_batch: MeasureBatch
) -> tuple[pl.DataFrame, FloatArray]:
    """Measure the cells of the images read at a time; images with one that fails are set aside among their faults."""
    tables, values = [kept.clear()], [np.empty((0, len(columns)))]
    for batch in images.batches:
        measured, failed = _measure(batch, columns=columns, measure_batch=measure_batch)
        tables += [batch.cells[list(rows)] for rows, _ in measured]
        values += [own for _, own in measured]
        images.faults.extend(failed)
    faulty = [fault.image for fault in images.faults]
    rows = pl.concat(tables).with_row_index("row").filter(~pl.col("meta__image").is_in(faulty))
    order = rows.sort("position", "meta__object")
    return order, np.concatenate(values)[order["row"].to_numpy()]


def _measure(
    batch: CellBatch, *, columns: Sequence[Column], measure_batch: MeasureBatch
) -> tuple[list[tuple[range, FloatArray]], list[Fault]]:
    """Measure the cells of a batch, by ranges; what a mask has rejected is NaN."""
    names = [column.region.removesuffix(COMBINED) for column in columns]

    def measured(rows: range) -> FloatArray:
        some = batch.take(rows)
        values = measure_batch(some)
        for name in set(names):
            if (status := f"status__{name}") in some.cells.columns:
                rejected = (some.cells[status] != KEPT).to_numpy()
                values[np.ix_(rejected, np.array(names) == name)] = np.nan
        return values

    results, failed = isolate_faults(len(batch.cells), measured)
    images = batch.cells["meta__image"]
    return results, [Fault.of(error, image=images[row], stage="features") for row, error in failed]
