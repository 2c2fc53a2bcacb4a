"""What a run did, in numbers: the end of the terminal's output and of run.json."""

from collections.abc import Iterator, Mapping, Sequence

from flows.engine.dataset import Dataset
from flows.engine.decision_summary import DecisionSummary, summarize_decisions
from flows.engine.execution import Execution, StageCount
from flows.engine.image_notes import EXAMPLES, EqualImages, equal_images
from tasks.core.decision import KEPT, emptied_groups
from tasks.core.file_names import STATISTICS_FOLDER
from tasks.core.work import Frozen
from tasks.export.task import Exported
from tasks.features.table import table_columns
from tasks.ingest.index import LeftOut
from tasks.ingest.listing import ImageList


class Summary(Frozen):
    """Counts of a finished run.

    Parameters
    ----------
    output
        Folder of the published files.
    images, quarantined
        Images listed, and those of them that were set aside.
    left_out
        Files that are no images of the run, by reason.
    equal
        Images with the pixels of another one; they are kept.
    redone
        Images that changed while the run went on, and were therefore done again.
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
    warnings
        What should not be overlooked: that nothing was kept, or nothing of a group, that images changed, that the
        table of metadata lacks some, or that the report is missing or lacks pictures.
    """

    output: str
    images: int
    quarantined: int
    left_out: LeftOut
    cells: int
    statuses: dict[str, int]
    rows: int
    columns: int
    stages: dict[str, StageCount]
    equal: EqualImages = EqualImages()
    redone: tuple[str, ...] = ()
    decided: tuple[DecisionSummary, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def rejected(self) -> dict[str, int]:
        """Cells left out, by reason."""
        return {status: count for status, count in self.statuses.items() if status not in {"kept", "quarantined"}}


def summarize(execution: Execution, data: Dataset, *, redone: Sequence[str] = ()) -> Summary:
    """Sum up a run from what its export counted; `redone` names images that changed while it went on."""
    exported: Mapping[str, int] = {} if data.exported is None else data.exported.counts

    def counted(table: str) -> dict[str, int]:
        prefix = f"{table}:"
        return {name.removeprefix(prefix): count for name, count in exported.items() if name.startswith(prefix)}

    cells, images, layout = counted("cells"), counted("images"), data.source.layout
    columns = table_columns(config=execution.config.features, layout=layout)
    return Summary(
        output=str(execution.output),
        images=sum(images.values()),
        quarantined=images.get("quarantined", 0),
        left_out=execution.preparation.listing.images.left_out,
        equal=equal_images(execution.output),
        redone=tuple(redone),
        cells=sum(cells.values()),
        statuses=cells,
        rows=exported["rows"],
        columns=len(columns),
        stages=execution.counts,
        decided=summarize_decisions(execution.output / STATISTICS_FOLDER),
        warnings=(
            *_changes(redone),
            *_unjoined(execution.preparation.listing.images),
            *_warnings(data, statuses=cells),
            *filter(None, [data.report_problem]),
        ),
    )


def _changes(redone: Sequence[str]) -> Iterator[str]:
    """Say which images changed."""
    if redone:
        more = f" and {len(redone) - EXAMPLES:,} more" if len(redone) > EXAMPLES else ""
        yield f"{', '.join(redone[:EXAMPLES])}{more} changed while the run went on, and was done again"


def _unjoined(images: ImageList) -> Iterator[str]:
    """Say that a table of metadata lacks images."""
    if images.unjoined:
        yield f"{images.unjoined:,} of {images.images:,} images have no row in the table of load.metadata"


def _warnings(data: Dataset, *, statuses: Mapping[str, int]) -> Iterator[str]:
    """Say which groups of cells, or all of them, are lost, whichever step removed them."""
    if not statuses.get(KEPT):
        yield f"no cell was kept: {_by_status(statuses) or 'none was found'}; the feature table has no row"
        return
    emptied = data.exported.emptied if isinstance(data.exported, Exported) else ()
    for group in emptied:
        name = group.column.removeprefix("meta__")
        yield f"{name} {group.value}: none of its {group.cells:,} cells was kept: {_by_status(group.statuses)}"
    reported = {((group.column.removeprefix("meta__"), group.value),) for group in emptied}
    for lost in emptied_groups(data.decision):
        if tuple(lost.group.items()) not in reported:
            where = ", ".join(f"{name} {value}" for name, value in lost.group.items()) or "all cells"
            yield f"{where}: quality:{lost.rule} keeps none of {lost.before:,}"


def _by_status(statuses: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {status}" for status, count in sorted(statuses.items()))
