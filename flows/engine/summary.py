"""What a run did, in numbers: the end of the terminal's output and of run.json."""

from collections.abc import Mapping

from flows.engine.dataset import Dataset
from flows.engine.decided import Decided, read_decided
from flows.engine.execution import Execution, StageCount
from tasks.core.work import Frozen
from tasks.features.all_families import feature_columns
from tasks.features.regions import region_list


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
        Tasks computed and cached per stage, and wall time.
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


def summarize(execution: Execution, data: Dataset) -> Summary:
    """Sum up a run from what its export counted."""
    exported: Mapping[str, int] = {} if data.exported is None else data.exported.counts

    def counted(table: str) -> dict[str, int]:
        prefix = f"{table}:"
        return {name.removeprefix(prefix): count for name, count in exported.items() if name.startswith(prefix)}

    cells, images, layout = counted("cells"), counted("images"), data.source.layout
    columns = feature_columns(config=execution.config.features, channels=layout.channels, regions=region_list(layout))
    return Summary(
        output=str(execution.output),
        images=sum(images.values()),
        quarantined=images.get("quarantined", 0),
        ignored=execution.preparation.listing.images.ignored,
        cells=sum(cells.values()),
        statuses=cells,
        rows=exported["rows"],
        columns=len(columns),
        stages=execution.counts,
        decided=read_decided(execution.output / "statistics"),
    )
