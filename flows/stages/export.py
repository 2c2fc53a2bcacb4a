"""The tables that people read, put together from what all stages left in work/."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flows.config import Config
from flows.engine.stage import PlanRow, Stage
from tasks.core.layout import Layout
from tasks.core.manifest import Manifest, list_files
from tasks.core.published import Published
from tasks.export.published import SINGLE
from tasks.ingest.listing import ImageListing

if TYPE_CHECKING:
    from flows.engine.dataset import Dataset
    from flows.engine.execution import Execution

STAGE = "export"


def _row(config: Config) -> PlanRow:
    del config
    return PlanRow(single_tasks=1)


def _prepare(config: Config, listing: ImageListing, layout: Layout) -> None:
    """See whether everything is there that the exporters need."""
    del listing, layout
    config.export.check()


def _run(execution: "Execution", data: "Dataset", prepared: None) -> "Dataset":
    from tasks.export.task import export
    from tasks.features.table import table_dictionary

    del prepared
    for publish in data.publications:
        publish()
    layout, features = data.source.layout, execution.config.features
    exported = execution.run_single(
        STAGE,
        export,
        resources=execution.resources["files"],
        arguments={
            "output": str(execution.output),
            "image_list": execution.preparation.listing.images.folder,
            "cells": data.cells,
            "metrics": data.metrics,
            "features": data.features,
            "decision": data.decision,
            "layout": layout,
            "config": execution.config.export,
            "dictionary": table_dictionary(layout=layout, config=features),
            "run_id": execution.run_id,
        },
    )
    return data.having(exported=exported)


def export_quarantine(execution: "Execution", data: "Dataset") -> int:
    """Tell which images were set aside, and why, where a run stops because of them; return how many."""
    from tasks.export.task import export_quarantine

    return execution.run_single(
        "quarantine",
        export_quarantine,
        resources=execution.resources["files"],
        arguments={
            "output": str(execution.output),
            "image_list": execution.preparation.listing.images.folder,
            "cells": [handle.result for handle in data.cells if handle.done],
        },
    )


def published_files(execution: "Execution", data: "Dataset", *, stages: Sequence[Stage[Any]]) -> Manifest:
    """List all that is published: what the export wrote, and what stages before and after it did."""
    from tasks.export.task import Exported

    output, config = execution.output, execution.config
    kinds = (kind for stage in stages if stage is not export_tables for kind in stage.published(config))
    others = (path for kind in kinds for path in kind.files(output))
    return list_files(output, others) | (data.exported.files if isinstance(data.exported, Exported) else {})


def _published(config: Config) -> tuple[Published, ...]:
    return (*SINGLE, *(format_.published for format_ in config.export.formats))


export_tables = Stage(name=STAGE, row=_row, prepare=_prepare, run=_run, published=_published)
