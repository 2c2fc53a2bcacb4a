"""The map of cells: a point for each, like ones beside each other."""

import altair as alt

from tasks.core.types import FloatArray
from tasks.report.page.figures.figure import Chart, rows
from tasks.report.page.figures.theme import BLUE

CELLS, CHOSEN = "cells", "chosen"
"""Names of the data: all points, and the one that is pointed at."""


def cell_map(points: FloatArray, *, axes: tuple[str, str], colours: list[str] | None = None) -> Chart:
    """Draw points (N, 2).

    Parameters
    ----------
    axes
        Titles from left to right and from bottom to top.
    colours
        Of each point.
    """
    across, up = (alt.Axis(tickCount=5, title=title) for title in axes)
    data = rows(x=points[:, 0].tolist(), y=points[:, 1].tolist(), colour=colours or [BLUE] * len(points))
    data = alt.InlineData(values=data.values, name=CELLS)
    base = alt.Chart(data).encode(
        x=alt.X("x:Q", axis=across, scale=alt.Scale(domain=extent(points[:, 0]), nice=False, zero=False)),
        y=alt.Y("y:Q", axis=up, scale=alt.Scale(domain=extent(points[:, 1]), nice=False, zero=False)),
    )
    cells = base.mark_circle(size=34, opacity=0.8).encode(color=alt.Color("colour:N", scale=None))
    chosen = (
        alt.Chart(alt.InlineData(values=[], name=CHOSEN))
        .mark_point(size=200, strokeWidth=2.5, filled=False)
        .encode(x="x:Q", y="y:Q")
    )
    return alt.layer(cells, chosen).properties(width="container", height=420)


def extent(values: FloatArray) -> list[float]:
    """Return the range of values (N,), N > 0, with some room at both ends."""
    low, high = float(values.min()), float(values.max())
    room = (high - low) * 0.04 or 1.0
    return [low - room, high + room]
