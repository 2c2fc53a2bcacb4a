"""The cells in every image: a mask per stamp, or the objects of a field."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from flows.config import Config
from flows.engine.stage import Job, PlanRow, Stage, nothing
from tasks.segment.model.decision import LearnedObject

if TYPE_CHECKING:
    from flows.engine.dataset import Dataset
    from flows.engine.execution import Execution


def _row(config: Config) -> PlanRow:
    return PlanRow(per_partition=(config.cells_stage,))


def _kernels(config: Config) -> Mapping[str, Job]:
    from tasks.mask.warm_up import jobs

    if config.mask is None:
        return {}
    return jobs(
        [str(method.model_dump()["method"]) for method in config.mask.methods], filters=bool(config.mask.channel_filter)
    )


def _run(execution: "Execution", data: "Dataset", prepared: None) -> "Dataset":
    from flows.engine.quarantine import QuarantineLimit
    from tasks.mask.task import mask_partition
    from tasks.segment.devices import choose_devices
    from tasks.segment.task import segment_partition

    del prepared
    config = execution.config
    mapped: list[dict[str, object]] = [{"partition": partition} for partition in data.partitions]
    if config.segment is not None:
        mapped = [{**own, "learned": learned} for own, learned in zip(mapped, _learned(execution, data), strict=True)]
    devices = {} if config.segment is None else {"devices": choose_devices(config.segment, obstacles={})}
    cells = execution.map(
        config.cells_stage,
        segment_partition if config.segment else mask_partition,
        mapped=mapped,
        unmapped={"source": data.source, "config": config.segment or config.mask, **devices},
        resources=execution.resources[config.cells_stage],
        watch=QuarantineLimit.of(execution.preparation).add,
    )
    return data.having(cells=cells)


def _learned(execution: "Execution", data: "Dataset") -> Iterator[list[LearnedObject]]:
    """Yield for each partition what was decided for objects that models find, of its own groups alone."""
    listing = execution.preparation.listing
    groups = [(own, listing.groups(own.group_by)) for own in data.learned]
    for partition in data.partitions:
        yield [own.narrowed(set(known[partition.start : partition.stop])) for own, known in groups]


find_cells = Stage(name="cells", row=_row, prepare=nothing, run=_run, kernels=_kernels)
