"""A figure with its words, and as a picture for where no page can be shown."""

from dataclasses import dataclass, field
from typing import Any

import altair as alt

from tasks.report.page.figures.theme import PAPER

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
Rows = list[dict[str, object]]
WIDTH = 480
"""Pixels of a picture whose chart is as wide as what is around it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """A chart that stands on the page.

    Parameters
    ----------
    name
        Unlike any other's; letters, digits and hyphens.
    title, text
        Above it; what it shows, in a sentence, may be empty.
    column
        Name of the column that is drawn, if it is one.
    alt
        For who cannot see it: what stands in it.
    chart
        What is drawn.
    legend
        Colour by what it stands for.
    """

    name: str
    title: str
    text: str = ""
    column: str = ""
    alt: str
    chart: Chart
    legend: dict[str, str] = field(default_factory=dict)

    @property
    def spec(self) -> dict[str, Any]:
        """What Vega-Lite draws, without how all figures look."""
        spec: dict[str, Any] = self.chart.to_dict()
        return {key: value for key, value in spec.items() if key not in {"config", "$schema"}}

    @property
    def height(self) -> int:
        """Pixels that its marks need."""
        return int(self.spec["height"])


def rows(**columns: Any) -> alt.InlineData:  # noqa: ANN401 - of whatever kind, all of one length
    """Make a chart's data of columns."""
    names = list(columns)
    values = [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return alt.InlineData(values=values)


def axis_format(low: float, high: float) -> str:
    """Choose how numbers stand along an axis.

    Examples
    --------
    >>> axis_format(0, 250000), axis_format(-1, 1), axis_format(0, 0.0003)
    ('~s', '.3~g', '.1~e')
    """
    largest = max(abs(low), abs(high))
    return "~s" if largest >= 1000 else ".3~g" if largest >= 0.01 else ".1~e"


def on_paper(chart: Chart) -> dict[str, Any]:
    """Return the whole specification of a chart that is drawn on white, where nothing is around it."""
    spec: dict[str, Any] = chart.to_dict()
    return spec | {"config": PAPER} | ({"width": WIDTH} if spec.get("width") == "container" else {})
