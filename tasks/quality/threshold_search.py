"""How a rule's thresholds are found: which question each group is asked next, and what follows from the answers."""

from collections.abc import Mapping
from math import inf, isnan
from typing import Any

from tasks.core.decision import GroupThreshold, QualityDecision, RuleDecision
from tasks.core.exact.questions import Limits as Extremes
from tasks.core.exact.questions import LimitsQuery
from tasks.core.exact.statistics import Program
from tasks.quality.config import Rule
from tasks.quality.registry import ThresholdMethod, thresholds
from tasks.quality.survey import Answers, Group, GroupQuestion, RuleCounts, ValuesQuery
from tasks.quality.thresholds.absolute import Absolute

Limits = tuple[float | None, float | None]
"""Threshold and upper threshold; infinite where they remove nothing, None where there is none."""


class ThresholdSearch:
    """One rule's thresholds being found.

    `survey` says what is to be asked of all cells next, None when all is known; `receive` takes the answers. Nothing
    here depends on how the cells are divided.

    Parameters
    ----------
    rule
        The rule.
    column
        Name of its metric's column.
    decision
        The rules before it.
    """

    def __init__(self, rule: Rule, *, column: str, decision: QualityDecision) -> None:
        self._rule = rule
        self._column = column
        self._decision = decision
        self._programs: dict[Group, Program[Limits]] | None = None
        self._known: dict[Group, dict[Any, Any]] = {}
        self._asked: dict[Group, Any] = {}
        self._found: dict[Group, Limits] = {}

    @property
    def survey(self) -> ValuesQuery | None:
        """What to ask next."""
        if self._programs is None:
            return self._survey(everyone=LimitsQuery())
        if not self._asked:
            return None
        return self._survey(
            questions=tuple(GroupQuestion(group=group, question=self._asked[group]) for group in sorted(self._asked))
        )

    def _survey(self, **asked: Any) -> ValuesQuery:  # noqa: ANN401 - fields of ValuesQuery
        return ValuesQuery(
            decision=self._decision,
            column=self._column,
            group_by=self._rule.group_by,
            by_image=self._rule.over == "image",
            **asked,
        )

    def receive(self, answers: Answers) -> None:
        """Take the answers to `survey`."""
        replies = {group.group: group.answer for group in answers.groups}
        if self._programs is None:
            self._programs = {group: _limits(self._rule) for group in replies}
            for group, program in self._programs.items():
                self._known[group] = {}
                self._asked[group] = next(program)  # what everyone was asked: there always is a first question
        for group in list(self._asked):
            question = self._asked.pop(group)
            self._known[group][question] = replies[group]
            self._go_on(group, replies[group])

    def _go_on(self, group: Group, reply: Any) -> None:  # noqa: ANN401 - an answer of any kind
        """Run a group's program to the next question that it has not asked before, or to its end."""
        program = (self._programs or {})[group]
        try:
            question = program.send(reply)
            while question in self._known[group]:
                question = program.send(self._known[group][question])
            self._asked[group] = question
        except StopIteration as stop:
            self._found[group] = stop.value

    def fitted(self) -> RuleDecision:
        """Return what was found, without counts."""
        return RuleDecision(
            rule=self._rule.name,
            column=self._column,
            keep=self._rule.keep,
            group_by=self._rule.group_by,
            groups=tuple(
                GroupThreshold(
                    group=dict(zip(self._rule.group_by, group, strict=True)), threshold=threshold, upper=upper
                )
                for group, (threshold, upper) in sorted(self._found.items())
            ),
        )


def _limits(rule: Rule) -> Program[Limits]:
    """Find a rule's thresholds in one group; none of no values."""
    extremes: Extremes = yield LimitsQuery()
    if extremes.count == 0:
        return None, None
    equal = extremes.low == extremes.high
    threshold = yield from _limit(rule.threshold, equal=equal, unlimited=inf if rule.keep == "below" else -inf)
    upper = None
    if rule.upper is not None:
        upper = yield from _limit(rule.upper, equal=equal, unlimited=inf)
    return threshold, upper


def _limit(method: ThresholdMethod, *, equal: bool, unlimited: float) -> Program[float]:
    """Find one threshold, or `unlimited`: what a statistic says of values that are all equal, or NaN, removes nothing.

    The statistic of equal values is that value, of which no cell would be above or below: a group of one cell, or of
    equal ones, would vanish although nothing sets its cells apart. A given value holds in any group.
    """
    if equal and not isinstance(method, Absolute):
        return unlimited
    threshold = yield from thresholds.function(method)(method)
    return unlimited if isnan(threshold) else threshold


def counted(decision: QualityDecision, rule_counts: RuleCounts) -> QualityDecision:
    """Put the counts before and after each rule into a decision."""
    rules = []
    for rule, counts in zip(decision.rules, rule_counts.rules, strict=True):
        known: Mapping[Group, tuple[int, int]] = {count.group: (count.before, count.after) for count in counts}
        groups = []
        for group in rule.groups:
            before, after = known.get(tuple(group.group[name] for name in rule.group_by), (0, 0))
            groups.append(group.model_copy(update={"before": before, "after": after}))
        rules.append(rule.model_copy(update={"groups": tuple(groups)}))
    return decision.model_copy(update={"rules": tuple(rules)})
