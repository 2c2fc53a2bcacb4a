"""How long each stage took."""

from collections.abc import Mapping

import altair as alt

from tasks.report.page.figures.figure import Chart, rows
from tasks.report.page.figures.theme import BLUE


def stage_time(seconds: Mapping[str, float], *, colours: Mapping[str, str]) -> Chart:
    """Draw a bar of wall time for each stage, in the order in which they come."""
    data = rows(
        stage=list(seconds),
        seconds=list(seconds.values()),
        colour=[colours.get(stage, BLUE) for stage in seconds],
    )
    chart = (
        alt.Chart(data)
        .mark_bar(cornerRadius=2)
        .encode(
            y=alt.Y("stage:N", sort=list(seconds), title=None, axis=alt.Axis(grid=False, labelLimit=110)),
            x=alt.X("seconds:Q", title="seconds from its first task to its last", axis=alt.Axis(tickCount=5)),
            color=alt.Color("colour:N", scale=None),
            tooltip=["stage:N", alt.Tooltip("seconds:Q", format=",.1f")],
        )
    )
    finished: Chart = chart.properties(width="container", height=22 * max(len(seconds), 1))
    return finished
