"""What is asked of the metrics of all cells, part by part: the questions of a rule's thresholds, and final counts."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import numpy as np
import polars as pl
from pydantic import Field

from tasks.core.decision import KEPT, QualityDecision, group_values
from tasks.core.exact.questions import Answer, Question
from tasks.core.types import FloatArray
from tasks.core.work import Frozen

Group = tuple[str, ...]
"""Values of the metadata that a rule groups by."""


class GroupQuestion(Frozen):
    """A question to the values of one group."""

    group: Group
    question: Question


class GroupAnswer(Frozen):
    """Its answer."""

    group: Group
    answer: Answer


class Answers(Frozen):
    """Answers of all groups, in the order of the groups."""

    kind: Literal["answers"] = "answers"
    groups: tuple[GroupAnswer, ...]

    def merge(self, other: "Answers") -> "Answers":
        """Answers of both parts."""
        merged: dict[Group, Any] = {group.group: group.answer for group in self.groups}
        for group in other.groups:
            merged[group.group] = merged[group.group].merge(group.answer) if group.group in merged else group.answer
        return Answers(groups=tuple(GroupAnswer(group=group, answer=merged[group]) for group in sorted(merged)))


class ValuesQuery(Frozen):
    """Query the values of a column, of the cells that the rules so far have kept.

    Parameters
    ----------
    decision
        The rules before this one.
    column, group_by
        The metric, and the metadata whose values make groups.
    by_image
        Whether each image counts once, however many cells it holds.
    everyone
        A question to all groups, which are not known before the first answer.
    questions
        A question to each of some groups.
    """

    kind: Literal["ask_values"] = "ask_values"
    decision: QualityDecision
    column: str
    group_by: tuple[str, ...]
    by_image: bool
    everyone: Question | None = None
    questions: tuple[GroupQuestion, ...] = ()

    def answer(self, metrics: pl.DataFrame) -> Answers:
        """Answer for the cells of some partitions, of which images are never cut."""
        population = _kept(metrics, decision=self.decision)
        if self.by_image:
            population = population.unique("meta__image", keep="first", maintain_order=True)
        asked = {asked_of.group: asked_of.question for asked_of in self.questions}
        answers = []
        for group, values in sorted(_by_group(population, column=self.column, group_by=self.group_by).items()):
            question: Any = self.everyone or asked.get(group)
            if question is not None:
                answers.append(GroupAnswer(group=group, answer=question.answer(values)))
        return Answers(groups=tuple(answers))


class GroupCount(Frozen):
    """How many cells of a group a rule looked at, and how many it kept."""

    group: Group
    before: int
    after: int


class RuleCounts(Frozen):
    """How many cells each rule looked at and kept, group by group."""

    kind: Literal["tally"] = "tally"
    rules: tuple[tuple[GroupCount, ...], ...]

    def merge(self, other: "RuleCounts") -> "RuleCounts":
        """Add the counts of both parts."""
        return RuleCounts(
            rules=tuple(_added((*first, *second)) for first, second in zip(self.rules, other.rules, strict=True))
        )


class CountsQuery(Frozen):
    """Query how many cells, or images, each rule of a decision looks at and keeps in each group."""

    kind: Literal["ask_tally"] = "ask_tally"
    decision: QualityDecision
    by_image: tuple[bool, ...]

    def answer(self, metrics: pl.DataFrame) -> RuleCounts:
        """Count in the cells of some partitions."""
        rules = []
        for number, rule in enumerate(self.decision.rules):
            population = _kept(metrics, decision=QualityDecision(rules=self.decision.rules[:number]))
            if self.by_image[number]:
                population = population.unique("meta__image", keep="first", maintain_order=True)
            groups = group_values(population, rule.group_by)
            passes = rule.keeps(population)
            before = Counter(groups)
            after = Counter(group for group, passed in zip(groups, passes.tolist(), strict=True) if passed)
            rules.append(
                tuple(GroupCount(group=group, before=before[group], after=after[group]) for group in sorted(before))
            )
        return RuleCounts(rules=tuple(rules))


Survey = Annotated[ValuesQuery | CountsQuery, Field(discriminator="kind")]
Result = Annotated[Answers | RuleCounts, Field(discriminator="kind")]


class SurveyResult(Frozen):
    """The answer to a survey, as it stands in a file."""

    result: Result


def _kept(metrics: pl.DataFrame, *, decision: QualityDecision) -> pl.DataFrame:
    statuses = decision.statuses(metrics, metrics["status"].to_list())
    return metrics.filter(pl.Series(statuses, dtype=pl.String) == KEPT)


def _by_group(table: pl.DataFrame, *, column: str, group_by: tuple[str, ...]) -> dict[Group, FloatArray]:
    """Finite values of each group; a group without any is there, too."""
    values = table[column].cast(pl.Float64).to_numpy()
    rows: dict[Group, list[int]] = {}
    for row, group in enumerate(group_values(table, group_by)):
        rows.setdefault(group, []).append(row)
    return {group: own[np.isfinite(own)] for group, own in ((group, values[at]) for group, at in rows.items())}


def _added(counts: Iterable[GroupCount]) -> tuple[GroupCount, ...]:
    """Add up the counts of equal groups, in the order of the groups."""
    totals: dict[Group, tuple[int, int]] = {}
    for count in counts:
        before, after = totals.get(count.group, (0, 0))
        totals[count.group] = before + count.before, after + count.after
    return tuple(GroupCount(group=group, before=b, after=a) for group, (b, a) in sorted(totals.items()))
