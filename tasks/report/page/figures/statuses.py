"""How many cells were kept, and how many were left out for each reason."""

from collections.abc import Mapping

import altair as alt

from tasks.core.decision import KEPT
from tasks.report.page.facts import QUARANTINED, in_words
from tasks.report.page.figures.figure import Chart, rows
from tasks.report.page.figures.theme import BLUE, GRAY, REMOVED


def statuses_chart(statuses: Mapping[str, int]) -> Chart:
    """Draw a bar for each status, as wide as there are cells."""
    total = max(sum(statuses.values()), 1)
    names = [in_words(status) for status in statuses]
    colours = [BLUE if status == KEPT else GRAY if status == QUARANTINED else REMOVED for status in statuses]
    texts = [f"{name}: {count:,} ({count / total:.1%})" for name, count in zip(names, statuses.values(), strict=True)]
    data = rows(what=names, cells=list(statuses.values()), colour=colours, text=texts)
    base = alt.Chart(data).encode(y=alt.Y("what:N", sort=names, title=None, axis=None))
    bars = base.mark_bar(height=9, yOffset=9, cornerRadius=2).encode(
        x=alt.X("cells:Q", title=None, axis=None, scale=alt.Scale(domain=[0, total])),
        color=alt.Color("colour:N", scale=None),
    )
    words = base.mark_text(align="left", baseline="middle", yOffset=-5, fontSize=12).encode(
        x=alt.value(0), text="text:N"
    )
    return alt.layer(bars, words).properties(width="container", height=36 * max(len(names), 1))
