"""The normalization: a scaling per group and channel, from the pixels of all kept cells or from another run."""

from functools import partial
from typing import TYPE_CHECKING

from flows.config import Config
from flows.engine.stage import PlanRow, Stage
from tasks.core.file_names import STATISTICS_FOLDER
from tasks.core.layout import Layout
from tasks.core.published import Published
from tasks.core.storage import holds_key
from tasks.ingest.listing import ImageListing
from tasks.normalize.config import Normalize, Use
from tasks.normalize.reuse import SCALING, find_scaling
from tasks.normalize.scaling import Scaling
from tasks.normalize.transform import NormalizationRef

if TYPE_CHECKING:
    from flows.engine.dataset import Dataset
    from flows.engine.execution import Execution
    from tasks.core.work import StageResult

STAGE = "normalize"
PUBLISHED = Published(path=f"{STATISTICS_FOLDER}/{SCALING}", is_ours=holds_key("transform"))


def _row(config: Config) -> PlanRow | None:
    if config.normalize is None:
        return None
    return PlanRow(per_partition=(STAGE,)) if isinstance(config.normalize, Normalize) else PlanRow(single_tasks=1)


def _prepare(config: Config, listing: ImageListing, layout: Layout) -> Scaling | None:
    """Find another run's scaling, of this one's channels."""
    if not isinstance(config.normalize, Use):
        return None
    return find_scaling(
        config.normalize, channels=layout.channels, groups=layout.metadata, present_groups=listing.present_groups
    )


def _run(execution: "Execution", data: "Dataset", known: Scaling | None) -> "Dataset":
    """Find, or take over, the scaling of pixels."""
    from tasks.normalize.task import take_scaling

    resources = execution.resources
    if isinstance(execution.config.normalize, Normalize):
        scaling = _fit(execution, data, config=execution.config.normalize)
    elif known is not None:
        (scaling,) = execution.wait(
            execution.map(STAGE, take_scaling, mapped=[{"scaling": known}], resources=resources["normalize"])
        )
    else:
        return data.to_publish(partial(_discard, execution))
    scaled = data.having(source=data.source.scaled_by(NormalizationRef.of(scaling)))
    return scaled.to_publish(partial(_publish, execution, scaling=scaling))


def _publish(execution: "Execution", *, scaling: "StageResult") -> None:
    from tasks.normalize.task import publish

    execution.run_single(
        STAGE,
        publish,
        resources=execution.resources["files"],
        arguments={"output": str(execution.output), "scaling": scaling},
        show_progress=False,
    )


def _discard(execution: "Execution") -> None:
    (execution.output / STATISTICS_FOLDER / SCALING).unlink(missing_ok=True)


def _fit(execution: "Execution", data: "Dataset", *, config: Normalize) -> "StageResult":
    from tasks.normalize.task import count_partition, fit_scaling, merge_counts

    resources, layout = execution.resources["normalize"], execution.preparation.layout
    counts = execution.map(
        STAGE,
        count_partition,
        mapped=data.cells_by_partition,
        unmapped={
            "decision": data.decision,
            "source": data.source,
            "region": config.region or layout.regions[0],
            "group_by": config.group_by,
        },
        resources=resources,
    )
    total = execution.tree_reduce(
        STAGE, merge_counts, results=counts, resources=resources, unmapped={"group_by": config.group_by}
    )
    groups = sorted(execution.preparation.listing.present_groups(config.group_by))
    fitted = execution.map(
        STAGE,
        fit_scaling,
        mapped=[{"counted": total}],
        unmapped={
            "config": config,
            "channels": layout.channels,
            "groups": groups,
            "region": config.region or layout.regions[0],
        },
        resources=resources,
        show_progress=False,
    )
    return execution.wait(fitted)[0]


normalize_pixels = Stage(
    name=STAGE,
    row=_row,
    prepare=_prepare,
    run=_run,
    published=lambda _: (PUBLISHED,),
)
