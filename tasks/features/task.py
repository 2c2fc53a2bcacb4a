"""Measure the features of the cells kept in one partition."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from prefect import task

from tasks.core.cell_batches import CellBatch, read_cells
from tasks.core.columns import Column
from tasks.core.crop import CLIPPED, WITH_MARGIN
from tasks.core.decision import KEPT, QualityDecision
from tasks.core.errors import Fault
from tasks.core.faults import isolate_faults
from tasks.core.feature_files import write_feature_file
from tasks.core.file_names import FAULTS, FEATURES
from tasks.core.partition_files import fault_table, kept_cells
from tasks.core.pixel_source import PixelSource
from tasks.core.regions import COMBINED
from tasks.core.types import FloatArray
from tasks.core.work import Partition, StageResult, Stopwatch, is_provisional, result_folder
from tasks.features.all_families import feature_columns, measure
from tasks.features.config import Features
from tasks.features.regions import region_list
from tasks.features.table import feature_table


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
    layout = source.layout
    kept = kept_cells(cells, metrics=metrics, decision=decision)
    crop = CLIPPED if config.profile == "scip" else WITH_MARGIN
    batches, faults = read_cells(cells, kept=kept, partition=partition, source=source, crop=crop)
    columns = feature_columns(config=config, channels=layout.channels, regions=region_list(layout))
    tables, values = [kept.clear()], [np.empty((0, len(columns)))]
    for batch in batches:
        measured, failed = _measure(batch, columns=columns, config=config)
        tables += [batch.cells[list(rows)] for rows, _ in measured]
        values += [own for _, own in measured]
        faults += failed
    rows = pl.concat(tables).with_row_index("row").filter(~pl.col("meta__image").is_in([f.image for f in faults]))
    order = rows.sort("position", "meta__object")
    own = np.concatenate(values)[order["row"].to_numpy()]
    table = feature_table(order, values=own, columns=columns, layout=layout, config=config)
    provisional = is_provisional(cells, metrics) or not all(fault.settled for fault in faults)
    with result_folder(Path(folder), provisional=provisional) as temporary:
        write_feature_file(temporary / FEATURES, table)
        fault_table(faults).write_parquet(temporary / FAULTS)
    return watch.result(folder, run_id=run_id, counts={"rows": table.num_rows, "quarantined": len(faults)})


def _measure(
    batch: CellBatch, *, columns: Sequence[Column], config: Features
) -> tuple[list[tuple[range, FloatArray]], list[Fault]]:
    """Measure the cells of a batch, by ranges; what a mask has rejected is NaN."""
    names = [column.region.removesuffix(COMBINED) for column in columns]

    def measured(rows: range) -> FloatArray:
        some = batch.take(rows)
        values = measure(some.batch, some.regions, config=config)
        for name in set(names):
            if (status := f"status__{name}") in some.cells.columns:
                rejected = (some.cells[status] != KEPT).to_numpy()
                values[np.ix_(rejected, np.array(names) == name)] = np.nan
        return values

    results, failed = isolate_faults(len(batch.cells), measured)
    images = batch.cells["meta__image"]
    return results, [Fault.of(error, image=images[row], stage="features") for row, error in failed]
