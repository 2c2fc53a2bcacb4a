"""Measure quality metrics of one partition, and decide over all of them."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from prefect import task

from tasks.core.cutout import SURROUNDED
from tasks.core.decision import KEPT, Decision
from tasks.core.layout import Layout
from tasks.core.partition_files import fault_table
from tasks.core.storage import read_table
from tasks.core.work import Made, Partition, Stopwatch, is_provisional, result_folder
from tasks.ingest.channels import Channels
from tasks.pixels import read_cells
from tasks.quality.config import Quality
from tasks.quality.decide import decide
from tasks.quality.metrics import measure_metrics, metric_column

VERSION = 1
"""Raise it when the same configuration gives other metrics or decisions."""


@task(name="quality metrics")
def measure_partition(
    *, folder: str, found: str, partition: Partition, channels: Channels, layout: Layout, config: Quality, run: str
) -> Made:
    """Measure the cells that masking or segmentation kept; write a row per cell found."""
    watch = Stopwatch()
    cells = read_table(Path(found) / "cells.parquet")
    kept = cells.filter(pl.col("status") == KEPT)
    batches, faults = read_cells(
        Path(found), cells=kept, partition=partition, channels=channels, layout=layout, how=SURROUNDED
    )
    identity = ["position", "meta__image", "meta__object"]
    columns: dict[str, pl.DataType] = {
        metric_column(rule, default_region=layout.regions[0]): pl.Float64() for rule in config.rules
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


@task(name="quality decision")
def decide_quality(*, folder: str, measured: Sequence[str], layout: Layout, config: Quality, run: str) -> Made:
    """Decide over the metrics of all partitions, given in table order."""
    watch = Stopwatch()
    metrics = pl.concat([read_table(Path(one) / "metrics.parquet") for one in measured])
    decision = decide(metrics, rules=config.rules, default_region=layout.regions[0])
    with result_folder(Path(folder), provisional=is_provisional(*measured)) as temporary:
        (temporary / "quality.json").write_text(decision.model_dump_json(indent=2) + "\n", encoding="utf-8")
    statuses = decision.statuses(metrics, metrics["status"].to_list())
    counts = {status: statuses.count(status) for status in sorted(set(statuses))}
    return Made(counts=counts, seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


def read_decision(folder: Path) -> Decision:
    """Read back what was decided."""
    return Decision.model_validate_json((folder / "quality.json").read_text(encoding="utf-8"))
