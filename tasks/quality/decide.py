"""The decision over all cells of one table: what a tree of tasks finds, in one process."""

from collections.abc import Sequence

import polars as pl

from tasks.core.decision import Decision
from tasks.quality.config import Rule
from tasks.quality.inquiry import Inquiry, counted
from tasks.quality.measure import metric_column
from tasks.quality.survey import AskTally


def decide(metrics: pl.DataFrame, *, rules: Sequence[Rule], default_region: str, stamps: bool) -> Decision:
    """Find every rule's threshold in every group.

    Rules apply in order: the values from which a threshold is taken are those of the cells that all earlier rules
    kept. A metric over the image counts each image once, however many cells it holds. Missing values are left out;
    a group without any value has no threshold, and its cells are rejected.

    Parameters
    ----------
    metrics
        A row per cell: ``meta__image``, ``status`` after masking or segmentation, the metrics, and the metadata to
        group by.
    default_region
        The mask or object that rules look at which name none.
    stamps
        Whether the cells are stamps, which have combined masks.
    """
    decision = Decision(rules=())
    for rule in rules:
        column = metric_column(rule, default_region=default_region, stamps=stamps)
        inquiry = Inquiry(rule, column=column, decided=decision)
        while (survey := inquiry.survey) is not None:
            inquiry.told(survey.answer(metrics))
        decision = Decision(rules=(*decision.rules, inquiry.decided()))
    return counted(decision, tally_survey(decision, rules=rules).answer(metrics))


def tally_survey(decision: Decision, *, rules: Sequence[Rule]) -> AskTally:
    """Ask for the counts before and after each rule."""
    return AskTally(decided=decision, by_image=tuple(rule.over == "image" for rule in rules))
