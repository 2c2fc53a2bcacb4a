"""What the kept cells look like: a row of features each."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flows.config import Config
from flows.engine.stage import Job, PlanRow, Stage
from tasks.core.layout import Layout
from tasks.features.units import check_pixel_sizes
from tasks.ingest.listing import ImageListing

if TYPE_CHECKING:
    from flows.engine.dataset import Dataset
    from flows.engine.execution import Execution

STAGE = "features"


def _row(config: Config) -> PlanRow:
    del config
    return PlanRow(per_partition=(STAGE,))


def _prepare(config: Config, listing: ImageListing, layout: Layout) -> None:
    del layout
    check_pixel_sizes(listing.index, config=config.features)


def _kernels(config: Config) -> Mapping[str, Job]:
    from tasks.features.warm_up import jobs

    return jobs(config.features.profile, [family.name for family in config.features.selected])


def _run(execution: "Execution", data: "Dataset", prepared: None) -> "Dataset":
    from tasks.features.task import extract_partition

    del prepared
    features = execution.map(
        STAGE,
        extract_partition,
        mapped=data.cells_by_partition,
        unmapped={"decision": data.decision, "source": data.source, "config": execution.config.features},
        resources=execution.resources["features"],
    )
    return data.having(features=features)


measure_features = Stage(name=STAGE, row=_row, prepare=_prepare, run=_run, kernels=_kernels)
