"""Measure the features of the cells kept in one partition."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from prefect import task

from tasks.core.columns import Column
from tasks.core.cutout import BOXED, SURROUNDED
from tasks.core.decision import KEPT, Decision
from tasks.core.dictionary import encode, meta_definitions
from tasks.core.errors import Fault
from tasks.core.layout import Layout
from tasks.core.partition_files import fault_table, kept_cells
from tasks.core.regions import COMBINED
from tasks.core.types import FloatArray
from tasks.core.work import Made, Partition, Stopwatch, is_provisional, result_folder
from tasks.features.all_families import feature_columns, measure
from tasks.features.config import Features
from tasks.features.names import rename, rename_meta
from tasks.features.regions import region_list
from tasks.pixels import CellBatch, Reading, read_cells

VERSION = 4
"""Raise it when the same configuration gives other values."""


@task(name="features")
def extract_partition(
    *,
    folder: str,
    found: str,
    metrics: str | None,
    decision: Decision,
    partition: Partition,
    reading: Reading,
    config: Features,
    run: str,
) -> Made:
    """Measure the cells that are kept after the quality decision; write features.parquet and faults.parquet."""
    watch = Stopwatch()
    kept = kept_cells(Path(found), metrics=metrics, decision=decision)
    how = BOXED if config.profile == "scip" else SURROUNDED
    batches, faults = read_cells(Path(found), cells=kept, partition=partition, reading=reading, how=how)
    layout = reading.layout
    columns = feature_columns(config=config, channels=layout.channels, regions=region_list(layout))
    tables: list[tuple[pl.DataFrame, FloatArray]] = []
    for batch in batches:
        measured, faulty = _measure(batch, columns=columns, config=config)
        tables += measured
        faults += faulty
    broken = {fault.image for fault in faults}
    rows = pl.concat([kept.clear(), *(table for table, _ in tables)])
    values = np.concatenate([np.empty((0, len(columns))), *(values for _, values in tables)])
    order = (
        rows.with_row_index("row").filter(~pl.col("meta__image").is_in(list(broken))).sort("position", "meta__object")
    )
    table = _table(order, values=values[order["row"].to_numpy()], columns=columns, layout=layout, config=config)
    provisional = is_provisional(found, metrics) or not all(fault.settled for fault in faults)
    with result_folder(Path(folder), provisional=provisional) as temporary:
        pq.write_table(table, temporary / "features.parquet", compression="zstd")
        fault_table(faults).write_parquet(temporary / "faults.parquet")
    counts = {"rows": table.num_rows, "quarantined": len(faults)}
    return Made(counts=counts, seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


def _measure(
    batch: CellBatch, *, columns: Sequence[Column], config: Features
) -> tuple[list[tuple[pl.DataFrame, FloatArray]], list[Fault]]:
    """Measure a batch; where that fails, cell by cell, so that one faulty cell does not take the others along."""
    try:
        values = measure(batch.batch, batch.regions, config=config)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever one cell does, the others go on
        if len(batch.cells) == 1:
            return [], [Fault.of(error, image=batch.cells["meta__image"].item(), stage="features")]
        parts = [_measure(batch.take([row]), columns=columns, config=config) for row in range(len(batch.cells))]
        return [table for tables, _ in parts for table in tables], [fault for _, faults in parts for fault in faults]
    for name in {column.region.removesuffix(COMBINED) for column in columns}:
        status = f"status__{name}"
        if status in batch.cells.columns:
            rejected = (batch.cells[status] != KEPT).to_numpy()
            own = np.array([column.region.removesuffix(COMBINED) == name for column in columns])
            values[np.ix_(rejected, own)] = np.nan
    return [(batch.cells, values)], []


def _table(
    cells: pl.DataFrame, *, values: FloatArray, columns: Sequence[Column], layout: Layout, config: Features
) -> pa.Table:
    """Put metadata and features side by side, with their dictionary."""
    schema = layout.cell_meta()
    names = rename_meta(list(schema), names=config.names)
    meta = cells.select(
        pl.col(old).cast(dtype).alias(new) for (old, dtype), new in zip(schema.items(), names, strict=True)
    )
    dtype = np.dtype(config.dtype)
    spelled = rename(columns, names=config.names)
    with np.errstate(over="ignore"):
        cast = values.astype(dtype)
    cast[np.isinf(cast)] = np.nan  # beyond what the dtype holds
    features = [pa.array(np.ascontiguousarray(column)) for column in cast.T]
    table = pa.table([*meta.to_arrow().columns, *features], names=[*names, *spelled])
    definitions = dict(zip(names, meta_definitions(list(schema)).values(), strict=True))
    return table.replace_schema_metadata(encode(dict(zip(spelled, columns, strict=True)), meta=definitions))
