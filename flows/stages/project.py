"""The projection: z-stacks become images as they are read."""

from typing import TYPE_CHECKING

from flows.config import Config
from flows.engine.stage import PlanRow, Stage
from tasks.core.layout import Layout
from tasks.ingest.listing import ImageListing
from tasks.project.config import check_stacks

if TYPE_CHECKING:
    from flows.engine.dataset import Dataset
    from flows.engine.execution import Execution


def _row(config: Config) -> PlanRow | None:
    return (
        PlanRow(more=f"z-stacks are projected as they are read ({config.project.method})") if config.project else None
    )


def _prepare(config: Config, listing: ImageListing, layout: Layout) -> None:
    check_stacks(config.project, depth=listing.images.depth, groups=layout.groups)


def _run(execution: "Execution", data: "Dataset", prepared: None) -> "Dataset":
    from tasks.project.methods import Projection

    del prepared
    config = execution.config.project
    return data if config is None else data.having(source=data.source.projected_by(Projection(config=config)))


project_stacks = Stage(name="project", row=_row, prepare=_prepare, run=_run)
