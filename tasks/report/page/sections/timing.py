"""How long the stages took, what memory they needed, and which worker did what."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tasks.report.page.figures.figure import Figure
from tasks.report.page.figures.stage_time import stage_time
from tasks.report.page.figures.timeline import stage_seconds, timeline_chart
from tasks.report.page.gather import Gathered
from tasks.report.page.words import count, seconds, size

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800", "#8c8c8c")
MOST_TASKS = 4000
"""Bars of the timeline, above which tasks that follow each other are drawn as one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimingSection:
    """A row for each stage: name, colour, tasks, cached, wall time, work time, peak memory; figures of both kinds."""

    stages: Sequence[tuple[str, str, str, str, str, str, str]]
    figures: Sequence[Figure]
    workers: int


def timing_section(gathered: Gathered) -> TimingSection:
    """Tell what took how long."""
    records, counted = gathered.timeline, gathered.facts.summary.get("stages", {})
    names = list(
        dict.fromkeys([*counted, *(records["stage"].unique(maintain_order=True) if records is not None else ())])
    )
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
    if records is None or not len(records):
        return TimingSection(stages=tuple(_stages(names, counted, colours, work={}, memory={})), figures=(), workers=0)
    work = records.group_by("stage").agg((pl.col("ended") - pl.col("started")).sum())
    memory = records.group_by("stage").agg(pl.col("peak_bytes").max()) if "peak_bytes" in records.columns else None
    stages = _stages(
        names,
        counted,
        colours,
        work=dict(work.iter_rows()),
        memory={} if memory is None else dict(memory.iter_rows()),
    )
    spans = stage_seconds(records)
    workers = records["worker"].n_unique()
    legend = {stage: colours[stage] for stage in spans}
    figures = (
        Figure(
            name="stages",
            title="Time of each stage",
            text="Stages overlap: while some images are still segmented, others are measured.",
            alt="; ".join(f"{stage}: {span:,.0f} seconds" for stage, span in spans.items()),
            chart=stage_time(spans, colours=colours),
        ),
        Figure(
            name="timeline",
            title="Who did what, and when",
            text="A line for each worker, a bar for each task; what is empty is waiting.",
            alt=f"{len(records):,} tasks on {workers:,} workers",
            chart=timeline_chart(merged(records, most=MOST_TASKS), colours=colours),
            legend=legend,
        ),
    )
    return TimingSection(stages=tuple(stages), figures=figures, workers=workers)


def merged(records: pl.DataFrame, *, most: int) -> pl.DataFrame:
    """Draw tasks of one worker and stage that follow each other as one, where there are more than `most`.

    Examples
    --------
    >>> records = pl.DataFrame({"stage": ["a"] * 3, "worker": ["w"] * 3, "resources": ["CPU"] * 3,
    ...                         "started": [0.0, 1.0, 900.0], "ended": [1.0, 2.0, 1000.0]})
    >>> merged(records, most=2)["ended"].to_list()
    [2.0, 1000.0]
    """
    if len(records) <= most:
        return records
    gap = max(records["ended"].to_list()) / 400  # less than a pixel or two
    ordered = records.sort("worker", "started")
    new = (
        (pl.col("worker") != pl.col("worker").shift())
        | (pl.col("stage") != pl.col("stage").shift())
        | (pl.col("started") - pl.col("ended").shift() > gap)
    ).fill_null(value=True)
    grouped = ordered.with_columns(new.cum_sum().alias("bar")).group_by("bar", maintain_order=True)
    return grouped.agg(pl.first("stage", "worker", "resources"), pl.col("started").min(), pl.col("ended").max()).sort(
        "started"
    )


def _stages(
    names: Sequence[str],
    counted: Mapping[str, Mapping[str, float]],
    colours: Mapping[str, str],
    *,
    work: Mapping[str, float],
    memory: Mapping[str, int],
) -> Iterator[tuple[str, str, str, str, str, str, str]]:
    for name in names:
        own = counted.get(name, {})
        yield (
            name,
            colours[name],
            count(own.get("computed", 0)),
            count(own.get("cached", 0)),
            seconds(own["seconds"]) if "seconds" in own else "",
            seconds(work[name]) if name in work else "",
            size(memory[name]) if memory.get(name) else "",
        )
