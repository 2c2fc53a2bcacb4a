"""The report: one page to look at what went in and what came out, made when the tables are published."""

from dataclasses import replace
from typing import TYPE_CHECKING

from flows.config import Config
from flows.engine.shown import outlined_regions, shown_channels
from flows.engine.stage import PlanRow, Stage, nothing
from tasks.core.errors import RunError, UserError
from tasks.core.published import Published
from tasks.illumination.files import CORRECTION, CorrectionStore
from tasks.report.published import PUBLISHED, REPORT

if TYPE_CHECKING:
    from flows.engine.dataset import Dataset
    from flows.engine.execution import Execution
    from tasks.core.work import StageResult
    from tasks.report.config import Report
    from tasks.report.sample import Sample
    from tasks.report.task import Shading

STAGE = "report"

PICTURES_BYTES = 8_000_000
"""Of all kept cells' pictures: a page of them can be sent by mail, and a phone shows it."""

MOST_BYTES = 4000
"""Of one cell's picture, however few there are."""

MOST_SHADINGS = 6
"""Groups of fields whose shading is shown."""

DISPLAYED = 100
"""Stamps over which black and white are decided; of fields those that are shown."""


def _row(config: Config) -> PlanRow | None:
    return None if config.report is None else PlanRow(per_partition=(STAGE,), single_tasks=3)


def _published(config: Config) -> tuple[Published, ...]:
    return () if config.report is None else (PUBLISHED,)


def _run(execution: "Execution", data: "Dataset", prepared: None) -> "Dataset":
    """Make the page; where that fails, the tables are what counts, and the run goes on without it."""
    from flows.engine.stop import Stopped

    del prepared
    config = execution.config.report
    if config is None:
        PUBLISHED.discard_stale(execution.output, but=())
        return data
    try:
        problem = _make(execution, data, config=config)
    except Stopped:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the tables are published
        known = isinstance(error, (UserError, RunError))
        problem = f"{REPORT} could not be made: {error if known else f'{type(error).__name__}: {error}'}"
        PUBLISHED.discard_stale(execution.output, but=())
    if problem:
        execution.progress.note(f"{STAGE}: {problem}")
    return data.having(report_problem=problem)


def _make(execution: "Execution", data: "Dataset", *, config: "Report") -> str:
    """Make the page; return what it lacks, in words."""
    from tasks.report.task import choose_shown, render_page

    PUBLISHED.claim([execution.output / REPORT])
    files = execution.resources["files"]
    sample = execution.run_single(
        STAGE,
        choose_shown,
        resources=files,
        arguments={
            "output": str(execution.output),
            "layout": data.source.layout,
            "kept": config.cells,
            "seed": execution.config.run.seed,
        },
        show_progress=False,
    )
    material, problem = _draw(execution, data, sample=sample, config=config)
    _write_facts(execution, data)
    execution.run_single(
        STAGE,
        render_page,
        resources=files,
        arguments={"output": str(execution.output), "material": material, "config": config},
        show_progress=False,
    )
    return problem


def _draw(
    execution: "Execution", data: "Dataset", *, sample: "Sample", config: "Report"
) -> "tuple[list[StageResult], str]":
    """Have the pictures drawn where the partitions are; return those that could be, and what went wrong."""
    from tasks.report.display import View
    from tasks.report.task import ImagesOf, choose_display, draw_partition

    files, layout = execution.resources["files"], data.source.layout
    source = replace(data.source, scale=None)  # as the files have them, whatever features are measured on
    parts = {part.partition: part for part in sample.parts}
    (display,) = execution.map(
        STAGE,
        choose_display,
        mapped=[
            {
                "images": [
                    ImagesOf(partition=data.partitions[number], names=names)
                    for number, names in sample.images_for_display(DISPLAYED).items()
                ]
            }
        ],
        unmapped={
            "source": source,
            "view": View(
                channels=shown_channels(execution.config, layout=layout), outlined=outlined_regions(execution.config)
            ),
            "side": sample.side,
            "shadings": _shadings(data),
        },
        resources=files,
        show_progress=False,
    )
    pictures = execution.map(
        STAGE,
        draw_partition,
        mapped=[
            {
                "partition": data.partitions[number],
                "cells": data.cells[number],
                "shown": part.cells,
                "fields": part.fields,
            }
            for number, part in parts.items()
        ],
        unmapped={
            "display": display,
            "source": source,
            "most_bytes": min(MOST_BYTES, PICTURES_BYTES // config.cells),
        },
        resources=files,
    )
    problem = ""
    try:
        execution.wait([display, *pictures])
    except (UserError, RunError) as error:
        problem = f"{REPORT} lacks pictures: {error}"
    return [handle.result for handle in (display, *pictures) if handle.done], problem


def _shadings(data: "Dataset") -> "list[Shading]":
    """Find what fields are divided by, if they are."""
    from tasks.report.fields import group_in_words
    from tasks.report.task import Shading

    return [
        Shading(
            group=group_in_words(list(zip(store.group_by, group.group, strict=True))), result=result, file=CORRECTION
        )
        for store in data.source.transforms
        if isinstance(store, CorrectionStore)
        for group, result in store.images[:MOST_SHADINGS]
    ]


def _write_facts(execution: "Execution", data: "Dataset") -> None:
    """Write down for the page what run.json will say in the end, and who did what, as far as they are known."""
    from flows.engine.summary import summarize
    from flows.engine.timeline import write_timeline
    from tasks.core.storage import write_json
    from tasks.report.material import SO_FAR

    work = execution.output / "work"
    write_timeline(work, execution.timeline)
    write_json(work / SO_FAR, summarize(execution, data).model_dump(mode="json"))


make_report = Stage(name=STAGE, row=_row, prepare=nothing, run=_run, published=_published)
