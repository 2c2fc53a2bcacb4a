"""The end of a run, on a terminal."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows.engine.decision_summary import DecisionSummary
from flows.engine.summary import Summary
from tasks.report.published import REPORT


def render_summary(summary: Summary, *, output: str) -> RenderableType:
    """Show counts, decisions, times, and where to look; `output` is the folder as the user wrote it."""
    counts = Table.grid(padding=(0, 2))
    counts.add_column()
    counts.add_column(justify="right")
    for name, count in _lines(summary).items():
        counts.add_row(Text(name), f"{count:,}")
    stages = Table("stage", "tasks computed", "cached", "seconds", box=None, padding=(0, 2))
    for name, stage in summary.stages.items():
        stages.add_row(name, str(stage.computed), str(stage.cached), f"{stage.seconds:.1f}")
    folder = Path(output)
    where = Table.grid(padding=(0, 2))
    where.add_row("features", Text(str(folder / "features")))
    if (folder / REPORT).exists():  # a run without one removes that of an earlier run
        where.add_row("a page to look at", Text(str(folder / REPORT)))
    where.add_row("every cell, and why it was left out", Text(str(folder / "cells.parquet")))
    if summary.quarantined:
        where.add_row("images set aside, and why", Text(str(folder / "quarantine.parquet")))
    decisions: list[RenderableType] = ["", _decisions(summary.decided)] if summary.decided else []
    if summary.decided:
        where.add_row("what was decided over all", Text(str(folder / "statistics")))
    warnings = [Text.assemble(("warning: ", "bold yellow"), warning) for warning in summary.warnings]
    return Group("", counts, *decisions, "", stages, "", where, *([""] if warnings else []), *warnings)


def _lines(summary: Summary) -> Mapping[str, int]:
    lines = {"images": summary.images, "  quarantined": summary.quarantined}
    if summary.equal.images:
        lines["  with the pixels of another image"] = summary.equal.images
    if summary.redone:
        lines["  changed meanwhile, done again"] = len(summary.redone)
    lines |= summary.left_out.by_reason
    lines["cells found"] = summary.cells
    lines |= {f"  rejected: {reason}": count for reason, count in sorted(summary.rejected.items())}
    if "quarantined" in summary.statuses:
        lines["  in quarantined images"] = summary.statuses["quarantined"]
    return lines | {"rows written": summary.rows, "feature columns": summary.columns}


def _decisions(decisions: Iterable[DecisionSummary]) -> Table:
    table = Table("decided over all", "how", "groups", "before", "after", box=None, padding=(0, 2))
    for decision in decisions:
        counts = ["" if count is None else f"{count:,}" for count in (decision.before, decision.after)]
        table.add_row(Text(decision.step), Text(decision.how), f"{decision.groups:,}", *counts)
    return table
