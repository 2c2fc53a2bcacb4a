"""Measure quality metrics of one partition, and survey those of all partitions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from prefect import task

from tasks.core.cell_batches import CellBatch, read_cells
from tasks.core.crop import WITH_MARGIN
from tasks.core.decision import KEPT
from tasks.core.errors import Fault
from tasks.core.exact.questions import merged
from tasks.core.faults import isolate_faults
from tasks.core.file_names import CELLS, METRICS
from tasks.core.partition_files import fault_table, in_table_order, write_faults
from tasks.core.pixel_source import PixelSource
from tasks.core.storage import read_table
from tasks.core.work import Partition, StageResult, Stopwatch, is_provisional, result_folder
from tasks.quality.config import Measurement
from tasks.quality.measure import measure_metrics, metric_column, with_regions
from tasks.quality.survey import Survey, SurveyResult

ANSWER = "answer.json"
IDENTITY = ["position", "meta__image", "meta__object"]


@task(name="quality metrics", version="4")
def measure_partition(
    *,
    partition: Partition,
    cells: StageResult,
    source: PixelSource,
    measurements: Sequence[Measurement],
    folder: str,
    run_id: str,
) -> StageResult:
    """Measure the cells that masking or segmentation kept; write a row per cell found."""
    watch = Stopwatch()
    table, layout = read_table(cells.file(CELLS)), source.layout
    kept = table.filter(pl.col("status") == KEPT)
    faults: list[Fault] = []
    completed = with_regions(measurements, main_region=layout.regions[0], stamps=layout.stamps)
    columns: dict[str, pl.DataType] = {metric_column(measurement): pl.Float64() for measurement in completed}
    measured = [pl.DataFrame(schema={name: table.schema[name] for name in IDENTITY} | columns)]
    for images in read_cells(cells, kept=kept, partition=partition, source=source, crop=WITH_MARGIN):
        faults += images.faults
        for batch in images.batches:
            tables, faulty = _measure(batch, measurements=measurements)
            measured += tables
            faults += faulty
    keep = [*IDENTITY, "status", *(f"meta__{group}" for group in layout.metadata)]
    metrics = table.select(keep).join(pl.concat(measured), on=IDENTITY, how="left", maintain_order="left")
    provisional = is_provisional(cells) or not all(fault.settled for fault in faults)
    with result_folder(Path(folder), provisional=provisional) as temporary:
        metrics.write_parquet(temporary / METRICS)
        write_faults(temporary, fault_table(in_table_order(faults, images=table)))
    counts = {"cells": len(kept), "quarantined": len(faults)}
    return watch.result(folder, run_id=run_id, counts=counts)


def _measure(batch: CellBatch, *, measurements: Sequence[Measurement]) -> tuple[list[pl.DataFrame], list[Fault]]:
    def measure(rows: range) -> pl.DataFrame:
        some = batch.take(rows)
        values = measure_metrics(some.batch, some.regions, rules=measurements, frames=some.frames)
        return pl.concat([some.cells.select(IDENTITY), values], how="horizontal")

    tables, failed = isolate_faults(len(batch.cells), measure)
    names = batch.cells["meta__image"]
    return [table for _, table in tables], [Fault.of(error, image=names[row], stage="quality") for row, error in failed]


@task(name="quality survey", version="4")
def survey_partitions(*, measured: Sequence[StageResult], survey: Survey, folder: str, run_id: str) -> StageResult:
    """Answer a survey for the cells of some partitions."""
    watch = Stopwatch()
    metrics = pl.concat([read_table(part.file(METRICS)) for part in measured])
    _write(Path(folder), survey.answer(metrics), provisional=is_provisional(*measured))
    return watch.result(folder, run_id=run_id)


@task(name="quality merge", version="4")
def merge_surveys(*, parts: Sequence[StageResult], folder: str, run_id: str) -> StageResult:
    """Merge the answers to one survey."""
    watch = Stopwatch()
    _write(Path(folder), merged([read_survey(part) for part in parts]), provisional=is_provisional(*parts))
    return watch.result(folder, run_id=run_id)


def _write(folder: Path, answer: Any, *, provisional: bool) -> None:  # noqa: ANN401 - Answers or RuleCounts
    with result_folder(folder, provisional=provisional) as temporary:
        text = SurveyResult(result=answer).model_dump_json()
        (temporary / ANSWER).write_text(text, encoding="utf-8")


def read_survey(result: StageResult) -> Any:  # noqa: ANN401 - Answers or RuleCounts, as was asked
    """Read back the answer to a survey."""
    return SurveyResult.model_validate_json(result.file(ANSWER).read_text(encoding="utf-8")).result
