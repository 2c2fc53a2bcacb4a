"""The end of a run, as an artifact: what it counted, decided and took, and where to look."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from flows.engine.summary import Summary
from flows.watching.states import counts_line

REPORT = "report.html"
"""Published report, in the output folder."""


def conclusion(summary: Summary) -> str:
    """Write Markdown that sums up a finished run."""
    return "\n".join(_lines(summary)) + "\n"


def _lines(summary: Summary) -> Iterator[str]:
    output = Path(summary.output)
    yield f"**{counts_line(summary)}**"
    yield from (f"\n> **Warning:** {escape(warning)}" for warning in summary.warnings)
    yield "\n## Where to look\n"
    report = output / REPORT
    if report.exists():
        yield f"- Report: [{escape(str(report))}]({report.as_uri()}) (open it on a machine that has this folder)"
    yield f"- Output folder: [{escape(str(output))}]({output.as_uri()})"
    if summary.quarantined:
        yield f"- Images that were quarantined, and why: {escape(str(output / 'quarantine.parquet'))}"
    if summary.rejected:
        yield "\n## Cells filtered\n"
        yield from _table(("reason", "cells"), sorted(summary.rejected.items()))
    if summary.decided:
        yield "\n## Decided over all images\n"
        yield from _table(
            ("step", "how", "groups", "before", "after"),
            [(one.step, one.how, one.groups, one.before, one.after) for one in summary.decided],
        )
    yield "\n## Stages\n"
    yield from _table(
        ("stage", "tasks computed", "cached", "seconds"),
        [(name, own.computed, own.cached, f"{own.seconds:,.1f}") for name, own in summary.stages.items()],
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield _row(columns)
    yield "|" + " --- |" * len(columns)
    yield from (_row(row) for row in rows)


def _row(values: Sequence[object]) -> str:
    cells = (
        "" if value is None else f"{value:,}" if isinstance(value, int) else escape(str(value)) for value in values
    )
    return f"| {' | '.join(cells)} |"


def escape(text: str) -> str:
    r"""Let Markdown show text from files as it is.

    Examples
    --------
    >>> print(escape("a_b|<c>"))
    a\_b\|&lt;c&gt;
    """
    html = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{character}" if character in "\\`*_{}[]()#+!|~" else character for character in html)
