"""What the stages made of one partition."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tasks.core.partition_files import read_faults
from tasks.core.work import StageResult


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionResults:
    """What the stages made of one partition; the later ones only where the run came so far."""

    number: int
    cells: StageResult
    metrics: StageResult | None = None
    features: StageResult | None = None

    def faults(self) -> pl.DataFrame:
        """Images of this partition that were set aside, at whatever stage."""
        stages = [stage for stage in (self.cells, self.metrics, self.features) if stage is not None]
        faults = pl.concat([read_faults(stage) for stage in stages])
        return faults.unique("meta__image", keep="first", maintain_order=True)


def by_partition(
    *, cells: Sequence[StageResult], metrics: Sequence[StageResult] = (), features: Sequence[StageResult] = ()
) -> list[PartitionResults]:
    """Put together what the stages made of each partition; a stage that made nothing is empty."""
    return [
        PartitionResults(
            number=number,
            cells=result,
            metrics=metrics[number] if metrics else None,
            features=features[number] if features else None,
        )
        for number, result in enumerate(cells)
    ]
