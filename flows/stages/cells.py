"""The cells in every image: a mask per stamp, or the objects of a field."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from flows.config import Config
from flows.engine.stage import Job, PlanRow, Stage
from infra.resources import CPU, Offer
from tasks.core.layout import Layout
from tasks.core.registry import Device
from tasks.ingest.label_files import LabelFiles, check_present, find_label_files
from tasks.ingest.listing import ImageListing
from tasks.ingest.load import check_file_masks
from tasks.ingest.references import from_frame
from tasks.segment.config import Segment

if TYPE_CHECKING:
    from flows.engine.dataset import Dataset
    from flows.engine.execution import Execution
    from tasks.segment.model.decision import LearnedObject


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


def _prepare(config: Config, listing: ImageListing, layout: Layout) -> LabelFiles | None:
    """See whether everything is there that methods need, and find the label images that they take from files."""
    if config.mask is not None and config.mask.from_files:
        check_file_masks(from_frame(listing.index))
    if config.segment is None:
        return None
    for entry in config.segment.objects:
        entry.requirements()
    if not (templates := config.segment.label_files):
        return None
    references = from_frame(listing.index)
    files = find_label_files(references, templates=templates, groups=layout.groups, limits=config.load.limits)
    check_present(files, references=references, most=config.run.max_quarantined)
    return files


def _run(execution: "Execution", data: "Dataset", files: LabelFiles | None) -> "Dataset":
    from flows.engine.quarantine import QuarantineLimit
    from tasks.mask.task import mask_partition
    from tasks.segment.task import segment_partition

    config = execution.config
    resources, devices = execution.resources[config.cells_stage], None
    common: dict[str, object] = {"source": data.source, "config": config.mask}
    if config.segment is not None:
        segment = config.segment.located()
        devices = _decide_devices(execution, segment, resources=resources)
        common |= {"config": segment, "devices": devices}
        if config.run.resources.segment == "auto" and "gpu" not in devices.values():
            resources = CPU
    cells = execution.map(
        config.cells_stage,
        segment_partition if config.segment else mask_partition,
        mapped=[
            {"partition": part}
            | ({"given": files.of(start=part.start, stop=part.stop)} if files else {})
            | ({"learned": learned} if learned else {})
            for part, learned in zip(data.partitions, _learned(execution, data), strict=True)
        ],
        unmapped=common,
        resources=resources,
        watch=QuarantineLimit.of(execution.preparation).add,
    )
    return data.having(cells=cells, devices=devices)


def _learned(execution: "Execution", data: "Dataset") -> Iterator["tuple[LearnedObject, ...]"]:
    """Yield for each partition what was decided for objects that models find, of its own groups alone."""
    listing = execution.preparation.listing
    groups = [(own, listing.groups(own.group_by)) for own in data.learned]
    for part in data.partitions:
        yield tuple(own.narrowed(set(known[part.start : part.stop])) for own, known in groups)


def _decide_devices(execution: "Execution", segment: Segment, *, resources: Offer) -> dict[str, Device]:
    """Decide, once for all tasks, where each object is found; a worker is asked where tasks would get to a GPU."""
    from tasks.segment.devices import choose_devices
    from tasks.segment.task import look_for_gpu

    obstacles: dict[str, str] = {}
    if "gpu" in segment.devices and resources.get("GPU"):
        obstacles = execution.run_single("GPU", look_for_gpu, resources=resources, arguments={"config": segment})
    devices = choose_devices(segment, obstacles=obstacles)
    for name, obstacle in obstacles.items():
        if obstacle:
            execution.progress.note(f"segment: {name} is found on CPUs: {obstacle}")
    return devices


find_cells = Stage(name="cells", row=_row, prepare=_prepare, run=_run, kernels=_kernels)
