"""Measure quality metrics of one partition, and survey those of all partitions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from prefect import task

from tasks.core.cutout import SURROUNDED
from tasks.core.decision import KEPT
from tasks.core.exact.questions import merged
from tasks.core.partition_files import fault_table
from tasks.core.storage import read_table
from tasks.core.work import Made, Partition, Stopwatch, is_provisional, result_folder
from tasks.pixels import Reading, read_cells
from tasks.quality.config import Quality
from tasks.quality.measure import measure_metrics, metric_column
from tasks.quality.survey import Survey, SurveyResult

VERSION = 4
"""Raise it when the same configuration gives other metrics or decisions."""


@task(name="quality metrics")
def measure_partition(
    *, folder: str, found: str, partition: Partition, reading: Reading, config: Quality, run: str
) -> Made:
    """Measure the cells that masking or segmentation kept; write a row per cell found."""
    watch = Stopwatch()
    cells = read_table(Path(found) / "cells.parquet")
    kept = cells.filter(pl.col("status") == KEPT)
    batches, faults = read_cells(Path(found), cells=kept, partition=partition, reading=reading, how=SURROUNDED)
    layout = reading.layout
    identity = ["position", "meta__image", "meta__object"]
    columns: dict[str, pl.DataType] = {
        metric_column(rule, default_region=layout.regions[0], stamps=layout.stamps): pl.Float64()
        for rule in config.rules
    }
    measured = [
        pl.concat(
            [
                one.cells.select(identity),
                measure_metrics(one.batch, one.regions, rules=config.rules, frames=one.frames),
            ],
            how="horizontal",
        )
        for one in batches
    ]
    empty = pl.DataFrame(schema={name: cells.schema[name] for name in identity} | columns)
    keep = [*identity, "status", *(f"meta__{group}" for group in layout.groups)]
    metrics = cells.select(keep).join(pl.concat([empty, *measured]), on=identity, how="left", maintain_order="left")
    provisional = is_provisional(found) or not all(fault.settled for fault in faults)
    with result_folder(Path(folder), provisional=provisional) as temporary:
        metrics.write_parquet(temporary / "metrics.parquet")
        fault_table(faults).write_parquet(temporary / "faults.parquet")
    counts = {"cells": len(kept), "quarantined": len(faults)}
    return Made(counts=counts, seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


@task(name="quality survey")
def survey_partitions(*, folder: str, measured: Sequence[str], survey: Survey, run: str) -> Made:
    """Answer a survey for the cells of some partitions."""
    watch = Stopwatch()
    metrics = pl.concat([read_table(Path(one) / "metrics.parquet") for one in measured])
    result = SurveyResult(result=survey.answer(metrics))
    return _write(Path(folder), result, provisional=is_provisional(*measured), watch=watch, run=run)


@task(name="quality merge")
def merge_surveys(*, folder: str, parts: Sequence[str], run: str) -> Made:
    """Merge the answers to one survey."""
    watch = Stopwatch()
    result = SurveyResult(result=merged([read_survey(Path(part)) for part in parts]))
    return _write(Path(folder), result, provisional=is_provisional(*parts), watch=watch, run=run)


def _write(folder: Path, result: SurveyResult, *, provisional: bool, watch: Stopwatch, run: str) -> Made:
    with result_folder(folder, provisional=provisional) as temporary:
        (temporary / ANSWER).write_text(result.model_dump_json(), encoding="utf-8")
    return Made(counts={}, seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


ANSWER = "answer.json"


def read_survey(folder: Path) -> Any:  # noqa: ANN401 - Answers or Tally, as was asked
    """Read back the answer to a survey."""
    return SurveyResult.model_validate_json((folder / ANSWER).read_text(encoding="utf-8")).result
