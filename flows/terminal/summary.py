"""The end of a run, on a terminal."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows.engine.decided import Decided
from flows.engine.summary import Summary


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
    where.add_row("every cell, and why it was left out", Text(str(folder / "cells.parquet")))
    if summary.quarantined:
        where.add_row("images set aside, and why", Text(str(folder / "quarantine.parquet")))
    decided: list[RenderableType] = ["", _decided(summary.decided)] if summary.decided else []
    if summary.decided:
        where.add_row("what was decided over all", Text(str(folder / "statistics")))
    warnings = [Text.assemble(("warning: ", "bold yellow"), one) for one in summary.warnings]
    return Group("", counts, *decided, "", stages, "", where, *([""] if warnings else []), *warnings)


def _lines(summary: Summary) -> Mapping[str, int]:
    lines = {"images": summary.images, "  quarantined": summary.quarantined}
    lines |= summary.left_out.by_reason
    lines["cells found"] = summary.cells
    lines |= {f"  rejected: {reason}": count for reason, count in sorted(summary.rejected.items())}
    if "quarantined" in summary.statuses:
        lines["  in quarantined images"] = summary.statuses["quarantined"]
    return lines | {"rows written": summary.rows, "feature columns": summary.columns}


def _decided(decided: Iterable[Decided]) -> Table:
    table = Table("decided over all", "how", "groups", "before", "after", box=None, padding=(0, 2))
    for one in decided:
        counts = ["" if count is None else f"{count:,}" for count in (one.before, one.after)]
        table.add_row(Text(one.step), Text(one.how), f"{one.groups:,}", *counts)
    return table
