"""The cells in every image: a mask per stamp, or the objects of a field."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flows.config import Config
from flows.engine.stage import Job, PlanRow, Stage
from tasks.core.layout import Layout
from tasks.ingest.label_files import LabelFiles, check_present, find_label_files
from tasks.ingest.listing import ImageListing
from tasks.ingest.references import from_frame

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


def _prepare(config: Config, listing: ImageListing, layout: Layout) -> LabelFiles | None:
    """See whether everything is there that methods need, and find the label images that they take from files."""
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


def _run(execution: "Execution", data: "Dataset", given: LabelFiles | None) -> "Dataset":
    from flows.engine.quarantine import QuarantineLimit
    from tasks.mask.task import mask_partition
    from tasks.segment.task import segment_partition

    config = execution.config
    cells = execution.map(
        config.cells_stage,
        segment_partition if config.segment else mask_partition,
        mapped=[
            {"partition": part} | ({"given": given.of(start=part.start, stop=part.stop)} if given else {})
            for part in data.partitions
        ],
        unmapped={"source": data.source, "config": config.segment or config.mask},
        resources=execution.resources[config.cells_stage],
        watch=QuarantineLimit.of(execution.preparation).add,
    )
    return data.having(cells=cells)


find_cells = Stage(name="cells", row=_row, prepare=_prepare, run=_run, kernels=_kernels)
