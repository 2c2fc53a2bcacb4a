"""Tasks done in this process, one after the other, each with the key that the flow gives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from prefect import Task

from flows.config import Config, parse_config
from flows.engine.dataset import ALL
from flows.engine.keys import task_key
from flows.engine.preparation import Preparation, RunSpec
from flows.engine.prepare import prepare
from flows.engine.stage import Stage
from tasks.core.layout import Layout
from tasks.core.pixel_source import PixelSource
from tasks.core.work import Partition, StageResult
from tasks.features.task import extract_partition
from tasks.ingest.listing import ImageList
from tasks.mask.task import mask_partition
from tasks.segment.devices import choose_devices
from tasks.segment.task import segment_partition


def prepared(
    sections: Mapping[str, Any], *, inputs: Sequence[Path], output: Path, stages: tuple[Stage[Any], ...] = ()
) -> Preparation:
    """Check a run; by default only its images and columns, not what its stages need besides."""
    spec = RunSpec(config=parse_config(sections), inputs=tuple(map(str, inputs)), output=output.resolve())
    return prepare(spec, stages=stages)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Images that are listed; cells are found in them when somebody asks."""

    config: Config
    images: ImageList
    source: PixelSource
    work: Path

    @classmethod
    def of(cls, sections: Mapping[str, Any], *, inputs: Sequence[Path], output: Path, size: int = 100) -> "Run":
        """List images, in partitions of a size; ``work`` is in the output folder."""
        preparation = prepared({**sections, "run": {"partition_size": size}}, inputs=inputs, output=output)
        (output / "work").mkdir(parents=True, exist_ok=True)  # as the lock of a run does
        preparation.listing.write()
        return cls(
            config=preparation.spec.config,
            images=preparation.listing.images,
            source=preparation.dataset.source,
            work=output / "work",
        )

    @property
    def partitions(self) -> tuple[Partition, ...]:
        return self.images.partitions

    @property
    def layout(self) -> Layout:
        return self.source.layout

    @cached_property
    def cells(self) -> list[StageResult]:
        """What is masked or segmented, partition by partition."""
        segment = self.config.segment
        given: dict[str, object] = {"source": self.source, "config": segment or self.config.mask}
        if segment is None:
            return [self.do(mask_partition, partition=partition, **given) for partition in self.partitions]
        devices = choose_devices(segment, obstacles={})
        given |= {"devices": devices}
        return [self.do(segment_partition, partition=part, **given) for part in self.partitions]

    def do(self, task: Task[..., StageResult], **given: Any) -> StageResult:  # noqa: ANN401
        """Do a task, whether its result is there or not, in the folder of its key unless it is given one."""
        place = {"folder": str(self.work / task.name.replace(" ", "-") / task_key(task, given)), "run_id": "test"}
        return task.fn(**place | given)

    def do_kept(self, task: Task[..., StageResult], *, partition: int = 0, **given: Any) -> StageResult:  # noqa: ANN401
        """Do a task that looks at the cells of a partition which are kept; without quality rules all are."""
        own = {"partition": self.partitions[partition], "cells": self.cells[partition], "source": self.source}
        return self.do(task, **own | {"metrics": None, "decision": ALL} | given)

    def features(self, **given: Any) -> pl.DataFrame:  # noqa: ANN401
        """Measure the features of all partitions."""
        numbers, config = range(len(self.partitions)), self.config.features
        measured = [self.do_kept(extract_partition, partition=number, config=config, **given) for number in numbers]
        return pl.concat([pl.read_parquet(result.file("features.parquet"), glob=False) for result in measured])
