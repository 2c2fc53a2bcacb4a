"""The decision over all cells, whoever answers for them: one table, or a tree of tasks."""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from tasks.core.decision import QualityDecision
from tasks.core.errors import InputError
from tasks.quality.config import Rule
from tasks.quality.measure import metric_column
from tasks.quality.survey import CountsQuery, ValuesQuery
from tasks.quality.threshold_search import ThresholdSearch, counted


def fit_rules(
    ask: Callable[[ValuesQuery | CountsQuery], Any],
    *,
    rules: Sequence[Rule],
    advance: Callable[[], None] = lambda: None,
) -> QualityDecision:
    """Find every rule's threshold in every group, and count what each rule rejects.

    Rules apply in order: the values from which a threshold is taken are those of the cells that all earlier rules
    kept. A metric over the image counts each image once, however many cells it holds. Missing values are left out;
    a group without any value has no threshold, and its cells are rejected. A threshold other than a given value removes
    nothing in a group whose values are all equal or, by `mad` and `mixture`, spread too little to be told apart.

    Parameters
    ----------
    ask
        Returns the answer of all cells to a survey.
    rules
        The rules `with_regions`.
    advance
        Called after each rule, and once more when all is counted.
    """
    decision = QualityDecision(rules=())
    for rule in rules:
        search = ThresholdSearch(rule, column=metric_column(rule), decision=decision)
        while (survey := search.survey) is not None:
            search.receive(ask(survey))
        decision = QualityDecision(rules=(*decision.rules, search.fitted()))
        advance()
    decision = count_by(ask, decision=decision, rules=rules)
    advance()
    return decision


def count_by(
    ask: Callable[[ValuesQuery | CountsQuery], Any], *, decision: QualityDecision, rules: Sequence[Rule]
) -> QualityDecision:
    """Count what each rule of a decision rejects; the parameters are those of `fit_rules`."""
    query = CountsQuery(decision=decision, by_image=tuple(rule.over == "image" for rule in rules))
    return counted(decision, ask(query))


def decide(metrics: pl.DataFrame, *, rules: Sequence[Rule]) -> QualityDecision:
    """Decide as `fit_rules` does, over the cells of one table.

    Parameters
    ----------
    metrics
        A row per cell: ``meta__image``, ``status`` after masking or segmentation, the metrics, and the metadata to
        group by.
    """
    return fit_rules(lambda survey: survey.answer(metrics), rules=rules)


def check_some_are_left(decision: QualityDecision) -> None:
    """Refuse a counted decision one of whose rules rejects all that was left.

    Raises
    ------
    InputError
        Naming the rule and its threshold.
    """
    for number, rule in enumerate(decision.rules):
        before, after = sum(group.before for group in rule.groups), sum(group.after for group in rule.groups)
        if before and not after:
            limits = sorted({group.threshold for group in rule.groups if group.threshold is not None})
            at = f"at {limits[0]:g}" if len(limits) == 1 else f"at {limits[0]:g} to {limits[-1]:g}" if limits else ""
            raise InputError(
                f"quality.rules.{number}: {rule.rule} keeps none of {before:,}: {rule.keep} its threshold "
                f"{at or '(there is none, for no value is known)'} lies no value of {rule.column}; change the rule, or "
                "set quality.allow_none: true if a table without rows will do"
            )
