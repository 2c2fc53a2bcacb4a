"""Everything that the page shows, read from an output folder and the pictures made for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tasks.core.decision import KEPT, QualityDecision
from tasks.core.file_names import CELLS, STATISTICS_FOLDER, TIMELINE
from tasks.core.storage import read_table
from tasks.report.material import (
    CellPicture,
    Display,
    FieldPicture,
    IlluminationPicture,
    read_cell_pictures,
    read_display,
    read_field_pictures,
    read_illumination_pictures,
)
from tasks.report.page.facts import RunFacts
from tasks.report.page.groups import Grouping, choose_groupings, count_values
from tasks.report.page.survey import Survey, survey
from tasks.report.page.tables import FeatureTable, cell_batches

IDENTITY = ("meta__image", "meta__object")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gathered:
    """What is known when the page is written.

    Parameters
    ----------
    output
        The output folder.
    facts
        run.json and its summary.
    table, survey
        The feature table, and what one pass over it tells.
    decision
        The quality rules and their thresholds.
    groupings
        By which path metadata cells are compared, the most telling first.
    cells, fields, illumination, display
        Pictures, and how they are to be read.
    metrics
        A row for each cell that has a picture: its identity, path metadata and quality metrics.
    timeline
        Which worker did what, if that is known; times count from the first task.
    """

    output: Path
    facts: RunFacts
    table: FeatureTable
    survey: Survey
    decision: QualityDecision
    groupings: Sequence[Grouping]
    cells: Sequence[CellPicture]
    fields: Sequence[FieldPicture]
    illumination: Sequence[IlluminationPicture]
    display: Display | None
    metrics: pl.DataFrame
    timeline: pl.DataFrame | None

    def pictures_of(self, status: str) -> list[CellPicture]:
        """Return the pictures of cells with a status, in the order of the seeded hash."""
        return [picture for picture in self.cells if picture.status == status]


def gather(*, output: Path, material: Sequence[Path], cells: int) -> Gathered:
    """Read an output folder; pictures lie in the folders `material`, and of kept cells so many are taken at most."""
    facts, table = RunFacts.read(output), FeatureTable.of(output)
    pictures = [own for own in read_cell_pictures(material) if own.status != KEPT or own.rank < cells]
    decision = _decision(output)
    kept = [(picture.image, picture.object) for picture in pictures if picture.status == KEPT]
    return Gathered(
        output=output,
        facts=facts,
        table=table,
        survey=survey(table, shown=kept),
        decision=decision,
        groupings=_groupings(output, facts=facts, decision=decision),
        cells=pictures,
        fields=read_field_pictures(material),
        illumination=read_illumination_pictures(material),
        display=read_display(material),
        metrics=_metrics(output, pictures, facts=facts, decision=decision),
        timeline=_timeline(output),
    )


def _decision(output: Path) -> QualityDecision:
    path = output / STATISTICS_FOLDER / "quality.json"
    if not path.is_file():
        return QualityDecision(rules=())
    return QualityDecision.model_validate_json(path.read_text(encoding="utf-8"))


def _groupings(output: Path, *, facts: RunFacts, decision: QualityDecision) -> list[Grouping]:
    columns = [f"meta__{group}" for group in facts.groups]
    batches = cell_batches(output, [*columns, "status"], first_object=facts.first_object)
    counts = count_values((batch.filter(pl.col("status") == KEPT) for batch in batches), facts.groups)
    return choose_groupings(counts, first=[name for rule in decision.rules for name in rule.group_by])


def _metrics(output: Path, cells: Sequence[CellPicture], *, facts: RunFacts, decision: QualityDecision) -> pl.DataFrame:
    shown = pl.DataFrame(
        [(picture.image, picture.object) for picture in cells],
        schema=dict(zip(IDENTITY, (pl.String(), pl.Int32()), strict=True)),
        orient="row",
    )
    known = pl.read_parquet_schema(output / CELLS)
    wanted = dict.fromkeys([*(f"meta__{group}" for group in facts.groups), *(rule.column for rule in decision.rules)])
    columns = [*IDENTITY, *(name for name in wanted if name in known)]
    batches = cell_batches(output, columns, first_object=facts.first_object)
    parts = [batch.join(shown, on=list(IDENTITY), how="semi") for batch in batches]
    return pl.concat(parts) if parts else pl.DataFrame(schema={name: known[name] for name in columns})


def _timeline(output: Path) -> pl.DataFrame | None:
    path = output / "work" / TIMELINE
    if not path.is_file():
        return None
    return read_table(path).with_columns(pl.col("started", "ended") - pl.col("started").min())
