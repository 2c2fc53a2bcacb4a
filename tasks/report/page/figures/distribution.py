"""How a feature is distributed over the kept cells, in all or group by group."""

from collections.abc import Mapping

import altair as alt

from tasks.core.types import FloatArray
from tasks.report.page.figures.figure import Chart, axis_format, rows
from tasks.report.page.figures.theme import BLUE
from tasks.report.page.histogram import Bins


def distribution_chart(
    *, bins: Bins, counts: Mapping[str, FloatArray], colours: Mapping[str, str], title: str
) -> Chart:
    """Draw the share of cells in each bin, a line for each group; of one group, a filled area.

    Parameters
    ----------
    counts
        Cells of each bin, by group.
    colours
        By group.
    """
    columns: dict[str, list[object]] = {"from": [], "to": [], "share": [], "group": [], "cells": []}
    for group, own in counts.items():
        total = max(int(own.sum()), 1)
        columns["from"] += bins.edges[:-1].tolist()
        columns["to"] += bins.edges[1:].tolist()
        columns["share"] += [count / total for count in own.tolist()]
        columns["cells"] += own.tolist()
        columns["group"] += [group] * bins.count
    low, high = float(bins.edges[0]), float(bins.edges[-1])
    scale = alt.Scale(domain=[low, high], type="log" if bins.logarithmic else "linear", nice=False)
    across = alt.X(
        "from:Q", scale=scale, title=title, axis=alt.Axis(tickCount=4, format=axis_format(low, high), grid=False)
    )
    up = alt.Y("share:Q", title=None, axis=alt.Axis(tickCount=3, format="%"))
    base = alt.Chart(rows(**columns))
    if len(counts) == 1:
        chart = base.mark_rect(color=BLUE).encode(x=across, x2="to:Q", y=up, y2=alt.datum(0))
    else:
        domain = list(counts)
        colour = alt.Color(
            "group:N", legend=None, scale=alt.Scale(domain=domain, range=[colours[group] for group in domain])
        )
        chart = base.mark_line(interpolate="step-after", strokeWidth=1.8).encode(x=across, y=up, color=colour)
    tooltip = [
        *([alt.Tooltip("group:N")] if len(counts) > 1 else []),
        alt.Tooltip("from:Q", format=".4~g"),
        alt.Tooltip("to:Q", format=".4~g"),
        alt.Tooltip("cells:Q", format=","),
    ]
    finished: Chart = chart.encode(tooltip=tooltip).properties(width="container", height=110)
    return finished
