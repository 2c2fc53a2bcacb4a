"""What came out, in a few numbers, after what should not be overlooked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks.core.decision import KEPT
from tasks.report.page.facts import QUARANTINED
from tasks.report.page.figures.figure import Figure
from tasks.report.page.figures.statuses import statuses_chart
from tasks.report.page.gather import Gathered
from tasks.report.page.words import count, group_in_words, share

MANY_QUARANTINED = 0.01
MUCH_REMOVED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SummarySection:
    """The numbers, each with its name and a remark; warnings; the cells by status."""

    numbers: Sequence[tuple[str, str, str]]
    warnings: Sequence[str]
    figure: Figure | None


def summary_section(gathered: Gathered) -> SummarySection:
    """Sum up a run."""
    facts = gathered.facts
    statuses = facts.statuses
    images, aside = facts.summary.get("images", 0), facts.summary.get("quarantined", 0)
    found, kept = sum(statuses.values()), statuses.get(KEPT, 0)
    rejected = found - kept - statuses.get(QUARANTINED, 0)
    features = len(gathered.table.features)
    numbers = (
        ("images", count(images), f"{count(aside)} set aside" if aside else "all could be used"),
        ("cells found", count(found), ""),
        ("cells kept", count(kept), f"{share(kept, found)} of those found"),
        ("cells left out", count(rejected), f"{share(rejected, found)} of those found"),
        ("features of each", count(features), "columns of numbers"),
    )
    chart = statuses_chart(statuses)
    figure = Figure(
        name="statuses",
        title="Cells by what became of them",
        alt="; ".join(f"{status}: {number:,}" for status, number in statuses.items()),
        chart=chart,
    )
    return SummarySection(numbers=numbers, warnings=tuple(_warnings(gathered)), figure=figure if statuses else None)


def _warnings(gathered: Gathered) -> Iterator[str]:
    facts, survey = gathered.facts, gathered.survey
    yield from facts.summary.get("warnings", ())
    images, aside = facts.summary.get("images", 0), facts.summary.get("quarantined", 0)
    if aside > images * MANY_QUARANTINED:
        yield f"{count(aside)} of {count(images)} images ({share(aside, images)}) could not be used: see Set aside"
    for rule in gathered.decision.rules:
        for group in rule.groups:
            removed = group.before - group.after
            if group.before and removed > group.before * MUCH_REMOVED and group.after:
                where = "" if not group.group else f" of {group_in_words(group.group)}"
                yield (
                    f"rule {rule.rule} removed {count(removed)} of {count(group.before)}{where} "
                    f"({share(removed, group.before)}): look at what it removed"
                )
    columns = len(survey.columns)
    if survey.empty:
        yield f"{count(len(survey.empty))} of {count(columns)} features have no value in any cell: see Columns"
    if survey.constant:
        yield f"{count(len(survey.constant))} of {count(columns)} features have one value in all cells: see Columns"
