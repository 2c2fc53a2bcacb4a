"""The figures of a run's report, as pictures that Prefect shows."""

from pathlib import Path

from flows.watching.artifacts import Figure
from tasks.core.storage import read_json
from tasks.report.material import FIGURES
from tasks.report.published import REPORT

SCALE = 2.0
"""Pixels of a picture for one of the page's."""

MOST = 20
"""Figures of one run: a rule decided by group has one for each group."""


def draw_figures(output: Path) -> list[Figure]:
    """Draw those figures of the report in an output folder that tell of the run as a whole; none without a report."""
    import vl_convert  # noqa: PLC0415 - brings a JavaScript engine, which most runs need not

    if not (output / REPORT).exists():
        return []
    return [
        Figure(
            name=figure["name"],
            png=vl_convert.vegalite_to_png(figure["spec"], scale=SCALE),
            description=figure["description"],
        )
        for figure in read_json(output / "work" / FIGURES)["figures"][:MOST]
    ]
