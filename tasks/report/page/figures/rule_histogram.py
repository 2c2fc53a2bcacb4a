"""What a quality rule looks at in one group of images, and where it cuts."""

import altair as alt
import numpy as np

from tasks.core.types import FloatArray
from tasks.report.page.figures.figure import Chart, axis_format, rows
from tasks.report.page.figures.theme import BLUE, REMOVED
from tasks.report.page.histogram import Bins


def removed_sides(*, keep: str, threshold: float | None, upper: float | None) -> list[tuple[float, float]]:
    """Return the ranges of values that a rule removes.

    Examples
    --------
    >>> removed_sides(keep="between", threshold=1.0, upper=9.0)
    [(-inf, 1.0), (9.0, inf)]
    """
    sides = []
    if keep in {"above", "between"} and threshold is not None:
        sides.append((-np.inf, threshold))
    top = threshold if keep == "below" else upper if keep == "between" else None
    if top is not None:
        sides.append((top, np.inf))
    return [(low, high) for low, high in sides if low < np.inf and high > -np.inf]


def rule_histogram(
    *, bins: Bins, counts: FloatArray, keep: str, threshold: float | None, upper: float | None, metric: str
) -> Chart:
    """Draw a histogram of cells, the threshold as a line, and what it removes shaded."""
    low, high = float(bins.edges[0]), float(bins.edges[-1])
    scale = alt.Scale(domain=[low, high], type="log" if bins.logarithmic else "linear", nice=False, zero=False)
    axis = alt.Axis(  # however narrow the chart is: no title beyond it, no label over another
        format=axis_format(low, high),
        grid=False,
        titleLimit=alt.expr("width"),
        tickCount=alt.expr("ceil(width / 80)"),
        labelSeparation=4,
    )
    across = alt.X("from:Q", scale=scale, title=metric, axis=axis)
    data = rows(**{"from": bins.edges[:-1].tolist(), "to": bins.edges[1:].tolist(), "cells": counts.tolist()})
    bars = (
        alt.Chart(data)
        .mark_rect(color=BLUE)
        .encode(
            x=across,
            x2="to:Q",
            y=alt.Y("cells:Q", title="cells", axis=alt.Axis(tickCount=3, format="~s")),
            y2=alt.datum(0),
            tooltip=[
                alt.Tooltip("from:Q", format=".4~g"),
                alt.Tooltip("to:Q", format=".4~g"),
                alt.Tooltip("cells:Q", format=","),
            ],
        )
    )
    sides = removed_sides(keep=keep, threshold=threshold, upper=upper)
    inside = [(max(start, low), min(end, high)) for start, end in sides if start < high and end > low]
    shades = (
        alt.Chart(rows(**{"from": [start for start, _ in inside], "to": [end for _, end in inside]}))
        .mark_rect(color=REMOVED, opacity=0.22)
        .encode(x=across, x2="to:Q")
    )
    cuts = [edge for side in sides for edge in side if np.isfinite(edge) and low <= edge <= high]
    lines = alt.Chart(rows(**{"from": cuts})).mark_rule(color=REMOVED, strokeWidth=2).encode(x=across)
    return alt.layer(shades, bars, lines).properties(width="container", height=120)
