"""The value that flows through the pipeline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flows.engine.graph import Handle
from tasks.core.decision import QualityDecision
from tasks.core.pixel_source import PixelSource
from tasks.core.registry import Device
from tasks.core.work import Partition, StageResult
from tasks.segment.model.decision import LearnedObject

Publication = Callable[[], object]
"""Puts something into the output folder, or removes it there."""

ALL = QualityDecision(rules=())
"""Without quality rules all cells are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What is known of a run's images so far, stage by stage; results that are being computed are handles.

    Parameters
    ----------
    partitions
        Runs of images, in table order; what follows has an entry for each.
    source
        How their pixels are read.
    learned
        The models by which objects are found, and the diameters that were decided for them.
    devices
        Where each object of fields is found; None for stamps, and before that is decided.
    cells
        What masking or segmentation finds.
    metrics
        Quality metrics of the cells; empty without quality rules.
    decision
        Which of the cells are kept.
    features
        What is measured of those.
    publications
        What stages have to put into ``statistics/``, or to remove there, once all that is published is known.
    exported
        What was published.
    report_problem
        Why there is no report, or why it lacks pictures; empty where all is well.
    """

    partitions: tuple[Partition, ...]
    source: PixelSource
    learned: tuple[LearnedObject, ...] = ()
    devices: Mapping[str, Device] | None = None
    cells: tuple[Handle, ...] = ()
    metrics: tuple[Handle, ...] = ()
    decision: QualityDecision = ALL
    features: tuple[Handle, ...] = ()
    publications: tuple[Publication, ...] = ()
    exported: StageResult | None = None
    report_problem: str = ""

    def having(self, **changes: Any) -> "Dataset":  # noqa: ANN401 - fields of this class
        """Return the data set with more known of it."""
        return replace(self, **changes)

    def to_publish(self, publication: Publication) -> "Dataset":
        """Return the data set with something more to publish at the end."""
        return self.having(publications=(*self.publications, publication))

    @property
    def handles(self) -> tuple[Handle, ...]:
        """All results of partitions."""
        return (*self.cells, *self.metrics, *self.features)

    @property
    def cells_by_partition(self) -> list[dict[str, object]]:
        """What tasks that measure kept cells read of each partition."""
        metrics = self.metrics or [None] * len(self.cells)
        return [
            {"partition": partition, "cells": cells, "metrics": measured}
            for partition, cells, measured in zip(self.partitions, self.cells, metrics, strict=True)
        ]
