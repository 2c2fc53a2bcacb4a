"""The cells in every image: a mask per stamp, or the objects of a field."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flows.config import Config
from flows.engine.stage import Job, PlanRow, Stage, nothing

if TYPE_CHECKING:
    from flows.engine.dataset import Dataset
    from flows.engine.execution import Execution


def _row(config: Config) -> PlanRow:
    return PlanRow(per_partition=(config.cells_stage,))


def _kernels(config: Config) -> Mapping[str, Job]:
    if config.segment is not None:
        from tasks.segment.warm_up import jobs as segment_jobs

        return segment_jobs([str(entry.model_dump()["method"]) for entry in config.segment.objects])
    from tasks.mask.warm_up import jobs

    if config.mask is None:
        return {}
    return jobs(
        [str(method.model_dump()["method"]) for method in config.mask.methods], filters=bool(config.mask.channel_filter)
    )


def _run(execution: "Execution", data: "Dataset", prepared: None) -> "Dataset":
    from flows.engine.quarantine import QuarantineLimit
    from tasks.mask.task import mask_partition
    from tasks.segment.task import segment_partition

    del prepared
    config = execution.config
    cells = execution.map(
        config.cells_stage,
        segment_partition if config.segment else mask_partition,
        mapped=[{"partition": partition} for partition in data.partitions],
        unmapped={"source": data.source, "config": config.segment or config.mask},
        resources=execution.resources[config.cells_stage],
        watch=QuarantineLimit.of(execution.preparation).add,
    )
    return data.having(cells=cells)


find_cells = Stage(name="cells", row=_row, prepare=nothing, run=_run, kernels=_kernels)
