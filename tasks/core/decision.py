"""The quality decision as a file: thresholds per rule and group, and the cells they reject."""

from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
import polars as pl
from pydantic import ConfigDict, Field

from tasks.core.types import BoolArray, FloatArray
from tasks.core.work import Frozen

KEPT = "kept"


class GroupThreshold(Frozen):
    """One rule's threshold, or two, in one group, with the cells (or images) counted before and after it.

    A threshold is infinite, and removes nothing, where the group's values separate nothing; None of a group that has no
    values.
    """

    model_config = ConfigDict(ser_json_inf_nan="strings")

    group: dict[str, str]
    threshold: float | None
    upper: float | None = None
    before: int = 0
    after: int = 0


class RuleDecision(Frozen):
    """One rule: the column it looks at, which side it keeps, and the threshold, or two, of each group."""

    rule: str
    column: str
    keep: Literal["above", "below", "between"]
    group_by: tuple[str, ...]
    groups: tuple[GroupThreshold, ...]

    @property
    def counted(self) -> Literal["cells", "images"]:
        """What the groups' counts are of: a metric of the image counts each image once, whatever it holds."""
        return "images" if self.column.startswith("image__") else "cells"

    def keeps(self, metrics: pl.DataFrame) -> BoolArray:
        """(N,) bool: which cells pass; a missing or infinite value, or one of a group without threshold, does not."""
        values = metrics[self.column].cast(pl.Float64).to_numpy()
        threshold, upper = self._limits(metrics)
        passes: BoolArray = np.isfinite(values)
        if self.keep == "below":
            return passes & (values < threshold)
        passes &= values > threshold
        return passes & (values < upper) if self.keep == "between" else passes

    def _limits(self, metrics: pl.DataFrame) -> tuple[FloatArray, FloatArray]:
        """Threshold and upper threshold of each row, or the ones that all share; NaN where there is none."""
        if not self.group_by:
            shared = [(group.threshold, group.upper) for group in self.groups] or [(None, None)]
            return cast("tuple[FloatArray, FloatArray]", tuple(np.array(shared[0], dtype=np.float64)))
        groups = _grouped(metrics, self.group_by)
        known = [
            (*(group.group[name] for name in self.group_by), group.threshold, group.upper) for group in self.groups
        ]
        schema = {**groups.schema, "threshold": pl.Float64(), "upper": pl.Float64()}
        limits = groups.join(
            pl.DataFrame(known, schema=schema, orient="row"), on=groups.columns, how="left", maintain_order="left"
        )
        return limits["threshold"].to_numpy(), limits["upper"].to_numpy()


class QualityDecision(Frozen):
    """What was decided over the whole data set, rule by rule in the order in which they apply.

    Parameters
    ----------
    quality
        The section of the configuration that asked for it.
    """

    rules: tuple[RuleDecision, ...]
    quality: dict[str, Any] = Field(default={})

    @property
    def identity(self) -> list[object]:
        """What a cell's status depends on: the decision without its counts."""
        return [
            (
                rule.rule,
                rule.column,
                rule.keep,
                rule.group_by,
                [(group.group, group.threshold, group.upper) for group in rule.groups],
            )
            for rule in self.rules
        ]

    def statuses(self, metrics: pl.DataFrame, initial: Sequence[str]) -> list[str]:
        """Status of each cell: `initial` where that is not ``kept``, else ``quality:<rule>`` of the first failed rule.

        Parameters
        ----------
        metrics
            A row per cell: the columns that the rules look at, and ``meta__<group>``.
        initial
            Status of each cell after masking or segmentation.
        """
        statuses = np.array(initial, dtype=object)
        kept = statuses == KEPT
        for rule in self.rules:
            failed = kept & ~rule.keeps(metrics)
            statuses[failed] = f"quality:{rule.rule}"
            kept &= ~failed
        return cast("list[str]", statuses.tolist())


class EmptiedGroup(Frozen):
    """A group of which a rule kept nothing, and how many cells (or images) it had before."""

    rule: str
    group: dict[str, str]
    before: int


def emptied_groups(decision: QualityDecision) -> tuple[EmptiedGroup, ...]:
    """List the groups that a rule of a counted decision emptied, rule by rule.

    Examples
    --------
    >>> groups = (GroupThreshold(group={"plate": "2"}, threshold=9.0, before=4, after=0),)
    >>> rule = RuleDecision(rule="bright", column="max", keep="above", group_by=("plate",), groups=groups)
    >>> emptied_groups(QualityDecision(rules=(rule,)))
    (EmptiedGroup(rule='bright', group={'plate': '2'}, before=4),)
    """
    return tuple(
        EmptiedGroup(rule=rule.rule, group=group.group, before=group.before)
        for rule in decision.rules
        for group in rule.groups
        if group.before > 0 and group.after == 0
    )


def group_values(table: pl.DataFrame, group_by: Sequence[str]) -> list[tuple[str, ...]]:
    """Return each row's values of the metadata columns to group by; a missing one counts as empty text."""
    if not group_by:
        return [()] * len(table)
    return _grouped(table, group_by).rows()


def _grouped(table: pl.DataFrame, group_by: Sequence[str]) -> pl.DataFrame:
    columns = [table[f"meta__{group}"] for group in group_by]
    return pl.DataFrame([pl.Series(column.name, map(metadata_text, column), dtype=pl.String) for column in columns])


def metadata_text(value: object) -> str:
    """Write what is known of an image as the name of a group; what is not known is empty text.

    Examples
    --------
    >>> metadata_text("P1"), metadata_text(3.0), metadata_text(0.1), metadata_text(None)
    ('P1', '3', '0.1', '')
    >>> metadata_text(4006381333931.0)
    '4006381333931'
    """
    if value is None:
        return ""
    return f"{value:.15g}" if isinstance(value, float) else str(value)
