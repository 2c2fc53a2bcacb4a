"""What a run did, in numbers: the end of the terminal's output and of run.json."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows.decided import Decided, read_decided, show_decided
from flows.stages import StageCount
from tasks.core.work import Frozen, Made
from tasks.ingest.listing import Ingested


class Summary(Frozen):
    """Counts of a finished run.

    Parameters
    ----------
    output
        Folder of the published files.
    images, quarantined, ignored
        Images listed; images set aside; files left out because the pattern does not match.
    cells
        Cells found, kept or not.
    statuses
        Cells by status: kept, or why not.
    rows
        Rows of the feature table.
    columns
        Feature columns.
    stages
        Tasks computed and kept per stage, and wall time.
    decided
        What was decided over the whole data set.
    """

    output: str
    images: int
    quarantined: int
    ignored: int
    cells: int
    statuses: dict[str, int]
    rows: int
    columns: int
    stages: dict[str, StageCount]
    decided: tuple[Decided, ...] = ()

    @property
    def rejected(self) -> dict[str, int]:
        """Cells left out, by reason."""
        return {status: count for status, count in self.statuses.items() if status not in {"kept", "quarantined"}}

    def render(self) -> RenderableType:
        """Show it on a terminal."""
        counts = Table.grid(padding=(0, 2))
        counts.add_column()
        counts.add_column(justify="right")
        for name, count in self._lines().items():
            counts.add_row(Text(name), f"{count:,}")
        stages = Table("stage", "tasks computed", "kept from before", "seconds", box=None, padding=(0, 2))
        for name, stage in self.stages.items():
            stages.add_row(name, str(stage.computed), str(stage.kept), f"{stage.seconds:.1f}")
        folder = Path(self.output)
        where = Table.grid(padding=(0, 2))
        where.add_row("features", Text(str(folder / "features")))
        where.add_row("every cell, and why it was left out", Text(str(folder / "cells.parquet")))
        if self.quarantined:
            where.add_row("images set aside, and why", Text(str(folder / "quarantine.parquet")))
        decided: list[RenderableType] = ["", show_decided(self.decided)] if self.decided else []
        if self.decided:
            where.add_row("what was decided, with pictures", Text(str(folder / "statistics")))
        return Group("", counts, *decided, "", stages, "", where)

    def _lines(self) -> Mapping[str, int]:
        lines = {"images": self.images, "  quarantined": self.quarantined}
        if self.ignored:
            lines["files that do not match load.pattern"] = self.ignored
        lines["cells found"] = self.cells
        lines |= {f"  rejected: {reason}": count for reason, count in sorted(self.rejected.items())}
        if "quarantined" in self.statuses:
            lines["  in quarantined images"] = self.statuses["quarantined"]
        return lines | {"rows written": self.rows, "feature columns": self.columns}


def summarise(
    exported: Made, *, listed: Ingested, output: str, columns: int, stages: Mapping[str, StageCount]
) -> Summary:
    """Sum up a finished run from what its export counted."""

    def counted(table: str) -> dict[str, int]:
        prefix = f"{table}:"
        return {name.removeprefix(prefix): count for name, count in exported.counts.items() if name.startswith(prefix)}

    cells, images = counted("cells"), counted("images")
    return Summary(
        output=output,
        images=sum(images.values()),
        quarantined=images.get("quarantined", 0),
        ignored=listed.ignored,
        cells=sum(cells.values()),
        statuses=cells,
        rows=exported.counts["rows"],
        columns=columns,
        stages=dict(stages),
        decided=read_decided(Path(output) / "statistics"),
    )
