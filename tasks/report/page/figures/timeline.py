"""Which worker did what, and when."""

from collections.abc import Mapping

import altair as alt
import polars as pl

from tasks.report.page.figures.figure import Chart, rows

LEAST, MOST = 90, 600
"""Pixels in height."""


def timeline_chart(records: pl.DataFrame, *, colours: Mapping[str, str]) -> Chart:
    """Draw a line for each worker, those with like resources together, and a bar for each task.

    Parameters
    ----------
    records
        ``stage``, ``worker``, ``resources``, ``started`` and ``ended``, in seconds from the beginning.
    colours
        By stage.
    """
    workers = records.group_by("worker").agg(pl.col("resources").mode().min()).sort("resources", "worker")
    names = {worker: f"{resources} · {worker}" for worker, resources in workers.iter_rows()}
    data = rows(
        worker=[names[worker] for worker in records["worker"]],
        stage=records["stage"].to_list(),
        started=records["started"].round(3).to_list(),
        ended=records["ended"].round(3).to_list(),
        colour=[colours[stage] for stage in records["stage"]],
    )
    few = len(names) <= 40
    axis = alt.Axis(grid=False, labelLimit=110, labels=few, ticks=few)
    chart = (
        alt.Chart(data)
        .mark_bar()
        .encode(
            y=alt.Y("worker:N", sort=list(names.values()), title=None if few else f"{len(names):,} workers", axis=axis),
            x=alt.X("started:Q", title="seconds since the first task began", axis=alt.Axis(tickCount=6)),
            x2="ended:Q",
            color=alt.Color("colour:N", scale=None),
            tooltip=[
                "stage:N",
                "worker:N",
                alt.Tooltip("started:Q", format=",.1f"),
                alt.Tooltip("ended:Q", format=",.1f"),
            ],
        )
    )
    finished: Chart = chart.properties(width="container", height=min(max(18 * len(names), LEAST), MOST))
    return finished


def stage_seconds(records: pl.DataFrame) -> dict[str, float]:
    """Wall time of each stage, from the beginning of its first task to the end of its last."""
    spans = records.group_by("stage", maintain_order=True).agg(pl.col("ended").max() - pl.col("started").min())
    return dict(spans.iter_rows())
