"""Count the pixels of the cells of one partition, join such counts, and find the scaling from all of them."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from prefect import task

from tasks.core.cutout import FITTED
from tasks.core.decision import KEPT, Decision, group_values
from tasks.core.digest import digest
from tasks.core.partition_files import kept_cells
from tasks.core.storage import atomic, read_table
from tasks.core.work import Made, Partition, Stopwatch, is_provisional, result_folder
from tasks.normalize.config import Normalize
from tasks.normalize.find import find_scaling
from tasks.normalize.histogram import batch_histogram, merge_histograms
from tasks.normalize.scaling import Scaling
from tasks.pixels import CellBatch, Reading, read_cells

VERSION = 2
"""Raise it when the same configuration gives another scaling."""

HISTOGRAM, SCALING = "histogram.parquet", "normalization.json"


@task(name="normalize")
def count_partition(
    *,
    folder: str,
    found: str,
    metrics: str | None,
    decision: Decision,
    partition: Partition,
    reading: Reading,
    config: Normalize,
    run: str,
) -> Made:
    """Count the pixels of the cells that are kept after the quality decision, by group, channel and value."""
    watch = Stopwatch()
    region = config.region or reading.layout.regions[0]
    own = pl.col(f"status__{region}") == KEPT if reading.layout.stamps else pl.lit(value=True)
    kept = kept_cells(Path(found), metrics=metrics, decision=decision).filter(own)
    batches, faults = read_cells(Path(found), cells=kept, partition=partition, reading=reading, how=FITTED)
    tables = [_count(batch, region=region, group_by=config.group_by) for batch in batches]
    provisional = is_provisional(found, metrics) or not all(fault.settled for fault in faults)
    with result_folder(Path(folder), provisional=provisional) as temporary:
        merge_histograms(tables, group_by=config.group_by).write_parquet(temporary / HISTOGRAM, compression="zstd")
    return Made(counts={"cells": len(kept)}, seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


def _count(batch: CellBatch, *, region: str, group_by: Sequence[str]) -> pl.DataFrame:
    (own,) = [one for one in batch.regions if one.name == region]
    return batch_histogram(batch.batch, own, group_by=group_by, groups=group_values(batch.cells, group_by))


@task(name="normalize merge")
def merge_counts(*, folder: str, parts: Sequence[str], group_by: Sequence[str], run: str) -> Made:
    """Add up the counts of several folders."""
    watch = Stopwatch()
    merged = merge_histograms((read_table(Path(part) / HISTOGRAM) for part in parts), group_by=group_by)
    with result_folder(Path(folder), provisional=is_provisional(*parts)) as temporary:
        merged.write_parquet(temporary / HISTOGRAM, compression="zstd")
    return Made(counts={}, seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


@task(name="normalize scaling")
def decide_scaling(
    *,
    folder: str,
    counted: str,
    config: Normalize,
    channels: Sequence[str],
    groups: Sequence[tuple[str, ...]],
    default_region: str,
    run: str,
) -> Made:
    """Find the scaling of every group and channel."""
    watch = Stopwatch()
    scaling = find_scaling(
        read_table(Path(counted) / HISTOGRAM),
        config=config,
        channels=channels,
        groups=groups,
        default_region=default_region,
    )
    with result_folder(Path(folder), provisional=is_provisional(counted)) as temporary:
        _write(temporary / SCALING, scaling)
    return Made(counts={}, digest=digest(scaling), seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


@task(name="normalize reuse")
def take_scaling(*, folder: str, scaling: Scaling, run: str) -> Made:
    """Take over the scaling of another run."""
    watch = Stopwatch()
    with result_folder(Path(folder)) as temporary:
        _write(temporary / SCALING, scaling)
    return Made(counts={}, digest=digest(scaling), seconds=watch.seconds, peak_bytes=watch.peak_bytes, run=run)


@task(name="normalize statistics")
def publish(*, output: str, folder: str) -> None:
    """Copy the scaling into the output folder."""
    with atomic(Path(output) / "statistics" / SCALING) as temporary:
        temporary.write_bytes((Path(folder) / SCALING).read_bytes())


def _write(path: Path, scaling: Scaling) -> None:
    path.write_text(scaling.model_dump_json(indent=2) + "\n", encoding="utf-8")
