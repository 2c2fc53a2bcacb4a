"""The quality decision as a file: thresholds per rule and group, and the cells they reject."""

from collections.abc import Mapping, Sequence
from typing import Literal

import polars as pl

from tasks.core.work import Frozen

KEPT = "kept"


class GroupThreshold(Frozen):
    """One rule's threshold in one group, with the cells (or images) counted before and after it."""

    group: dict[str, str]
    threshold: float | None
    before: int
    after: int


class RuleDecision(Frozen):
    """One rule: the column it looks at, which side it keeps, and a threshold per group."""

    rule: str
    column: str
    keep: Literal["above", "below"]
    group_by: tuple[str, ...]
    groups: tuple[GroupThreshold, ...]

    def keeps(self, *, value: float | None, group: Mapping[str, str]) -> bool:
        """Whether a value passes; a missing value, or one of a group without any value, does not."""
        for known in self.groups:
            if value is not None and known.group == group and known.threshold is not None:
                return value > known.threshold if self.keep == "above" else value < known.threshold
        return False


class Decision(Frozen):
    """What was decided over the whole data set, rule by rule in the order in which they apply."""

    rules: tuple[RuleDecision, ...]

    @property
    def thresholds(self) -> list[object]:
        """What a cell's status depends on: the decision without its counts."""
        return [
            (rule.rule, rule.column, rule.keep, [(group.group, group.threshold) for group in rule.groups])
            for rule in self.rules
        ]

    def statuses(self, metrics: pl.DataFrame, found: Sequence[str]) -> list[str]:
        """Status of each cell: `found` where that is not ``kept``, else ``quality:<rule>`` of the first failed rule.

        Parameters
        ----------
        metrics
            A row per cell: the columns that the rules look at, and ``meta__<group>``.
        found
            Status of each cell after masking or segmentation.
        """
        statuses = list(found)
        for rule in self.rules:
            values = metrics[rule.column].to_list()
            groups = group_values(metrics, rule.group_by)
            for row, status in enumerate(statuses):
                if status == KEPT and not rule.keeps(value=values[row], group=groups[row]):
                    statuses[row] = f"quality:{rule.rule}"
        return statuses


def group_values(table: pl.DataFrame, group_by: Sequence[str]) -> list[dict[str, str]]:
    """Return each row's values of the metadata columns to group by."""
    rows = table.select(pl.col(f"meta__{group}").cast(pl.String).fill_null("") for group in group_by).rows()
    return [dict(zip(group_by, row, strict=True)) for row in rows] if group_by else [{}] * len(table)
