"""Which images there are, cut into partitions. They were listed before the run began; no pixel is read."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flows.config import Config
from flows.engine.stage import Job, PlanRow, Stage, nothing

if TYPE_CHECKING:
    from flows.engine.dataset import Dataset
    from flows.engine.execution import Execution


def _row(config: Config) -> PlanRow:
    del config
    return PlanRow(single_tasks=1)


def _kernels(config: Config) -> Mapping[str, Job]:
    from tasks.ingest.warm_up import jobs

    return jobs(config.load.reader)


def _run(execution: "Execution", data: "Dataset", prepared: None) -> "Dataset":
    from tasks.ingest.task import write_listing

    del prepared
    execution.run_here("ingest", write_listing, arguments={"listing": execution.preparation.listing})
    return data


list_images = Stage(name="ingest", row=_row, prepare=nothing, run=_run, kernels=_kernels)
