"""The decision over the whole data set: a threshold per rule and group."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tasks.core.decision import KEPT, Decision, GroupThreshold, RuleDecision, group_values
from tasks.core.types import FloatArray
from tasks.quality.config import Rule
from tasks.quality.metrics import metric_column
from tasks.quality.thresholds import thresholds


def decide(metrics: pl.DataFrame, *, rules: Sequence[Rule], default_region: str) -> Decision:
    """Find every rule's threshold in every group.

    Rules apply in order: the values from which a threshold is taken are those of the cells that all earlier rules
    kept. A metric over the image counts each image once, however many cells it holds. Missing values are left out;
    a group without any value has no threshold, and its cells are rejected.

    Parameters
    ----------
    metrics
        A row per cell in table order: ``meta__image``, ``status`` after masking or segmentation, the metrics, and the
        metadata to group by.
    """
    statuses = metrics["status"].to_list()
    decided: list[RuleDecision] = []
    for rule in rules:
        column = metric_column(rule, default_region=default_region)
        population = metrics.filter(pl.Series(statuses, dtype=pl.String) == KEPT)
        if rule.over == "image":
            population = population.unique("meta__image", keep="first", maintain_order=True)
        values: dict[tuple[str, ...], list[float]] = {}
        for group, value in zip(group_values(population, rule.group_by), population[column].to_numpy(), strict=True):
            values.setdefault(group, []).append(value)
        groups = tuple(_group_threshold(rule, group=group, values=np.array(values[group])) for group in sorted(values))
        decision = RuleDecision(rule=rule.name, column=column, keep=rule.keep, group_by=rule.group_by, groups=groups)
        decided.append(decision)
        statuses = Decision(rules=(decision,)).statuses(metrics, statuses)
    return Decision(rules=tuple(decided))


def _group_threshold(rule: Rule, *, group: tuple[str, ...], values: FloatArray) -> GroupThreshold:
    finite = values[np.isfinite(values)]
    threshold = thresholds.function(rule.threshold)(finite, rule.threshold) if finite.size else None
    after = 0
    if threshold is not None:
        after = int((finite > threshold).sum() if rule.keep == "above" else (finite < threshold).sum())
    named = dict(zip(rule.group_by, group, strict=True))
    return GroupThreshold(group=named, threshold=threshold, before=len(values), after=after)
