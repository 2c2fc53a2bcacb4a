"""Count the pixels of the cells of one partition, join such counts, and find the scaling from all of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
from prefect import task

from tasks.core.cell_batches import CellBatch, read_cells
from tasks.core.crop import TIGHT
from tasks.core.decision import KEPT, QualityDecision, group_values
from tasks.core.digest import digest
from tasks.core.errors import Fault
from tasks.core.faults import isolate_faults
from tasks.core.file_names import STATISTICS_FOLDER
from tasks.core.partition_files import kept_cells
from tasks.core.pixel_source import PixelSource
from tasks.core.storage import atomic, read_table
from tasks.core.work import Partition, StageResult, Stopwatch, is_provisional, result_folder
from tasks.normalize.config import Normalize
from tasks.normalize.find import find_scaling
from tasks.normalize.histogram import batch_histogram, merge_histograms
from tasks.normalize.reuse import SCALING
from tasks.normalize.scaling import Scaling

HISTOGRAM = "histogram.parquet"


@task(name="normalize", version="2")
def count_partition(
    *,
    partition: Partition,
    cells: StageResult,
    metrics: StageResult | None,
    decision: QualityDecision,
    source: PixelSource,
    region: str,
    group_by: Sequence[str],
    folder: str,
    run_id: str,
) -> StageResult:
    """Count the pixels of the cells that are kept after the quality decision, by group, channel and value."""
    watch = Stopwatch()
    own = pl.col(f"status__{region}") == KEPT if source.layout.stamps else pl.lit(value=True)
    kept = kept_cells(cells, metrics=metrics, decision=decision).filter(own)
    faults: list[Fault] = []

    def counts() -> Iterator[pl.DataFrame]:
        for images in read_cells(cells, kept=kept, partition=partition, source=source, crop=TIGHT):
            faults.extend(images.faults)
            for batch in images.batches:
                yield from _count(batch, region=region, group_by=group_by)

    histogram = merge_histograms(counts(), group_by=group_by)
    provisional = is_provisional(cells, metrics) or not all(fault.settled for fault in faults)
    with result_folder(Path(folder), provisional=provisional) as temporary:
        histogram.write_parquet(temporary / HISTOGRAM, compression="zstd")
    return watch.result(folder, run_id=run_id, counts={"cells": len(kept)})


def _count(batch: CellBatch, *, region: str, group_by: Sequence[str]) -> list[pl.DataFrame]:
    """Count the pixels of a batch; a cell that cannot be counted is left out here, and set aside by its features."""

    def count(rows: range) -> pl.DataFrame:
        some = batch.take(rows)
        (own,) = [candidate for candidate in some.regions if candidate.name == region]
        return batch_histogram(some.batch, own, group_by=group_by, groups=group_values(some.cells, group_by))

    return [table for _, table in isolate_faults(len(batch.cells), count)[0]]


@task(name="normalize merge", version="1")
def merge_counts(*, parts: Sequence[StageResult], group_by: Sequence[str], folder: str, run_id: str) -> StageResult:
    """Add up the counts of several results."""
    watch = Stopwatch()
    merged = merge_histograms((read_table(part.file(HISTOGRAM)) for part in parts), group_by=group_by)
    with result_folder(Path(folder), provisional=is_provisional(*parts)) as temporary:
        merged.write_parquet(temporary / HISTOGRAM, compression="zstd")
    return watch.result(folder, run_id=run_id)


@task(name="normalize scaling", version="1")
def fit_scaling(
    *,
    counted: StageResult,
    config: Normalize,
    channels: Sequence[str],
    groups: Sequence[tuple[str, ...]],
    region: str,
    folder: str,
    run_id: str,
) -> StageResult:
    """Find the scaling of every group and channel."""
    watch = Stopwatch()
    scaling = find_scaling(
        read_table(counted.file(HISTOGRAM)),
        config=config,
        channels=channels,
        groups=groups,
        region=region,
    )
    with result_folder(Path(folder), provisional=is_provisional(counted)) as temporary:
        _write(temporary / SCALING, scaling)
    return watch.result(folder, run_id=run_id, content=digest(scaling))


@task(name="normalize reuse", version="1")
def take_scaling(*, scaling: Scaling, folder: str, run_id: str) -> StageResult:
    """Take over the scaling of another run."""
    watch = Stopwatch()
    with result_folder(Path(folder)) as temporary:
        _write(temporary / SCALING, scaling)
    return watch.result(folder, run_id=run_id, content=digest(scaling))


@task(name="normalize statistics")
def publish(*, output: str, scaling: StageResult) -> None:
    """Copy the scaling into the output folder."""
    with atomic(Path(output) / STATISTICS_FOLDER / SCALING) as temporary:
        temporary.write_bytes(scaling.file(SCALING).read_bytes())


def _write(path: Path, scaling: Scaling) -> None:
    path.write_text(scaling.model_dump_json(indent=2) + "\n", encoding="utf-8")
