"""Groups of the path's metadata that lost all of their cells, and to what."""

from collections import Counter
from collections.abc import Sequence

import polars as pl

from tasks.core.decision import KEPT
from tasks.core.work import Frozen

MOST_GROUPS = 50
"""Values of a column at most: with more of them it names images or cells rather than groups of them."""

LEAST_CELLS = 2
"""Cells per value on average at least, for the same reason."""


class Emptied(Frozen):
    """One group without a kept cell: the column, its value, how many cells were found, and what became of them."""

    column: str
    value: str
    cells: int
    statuses: dict[str, int]


class GroupCounts:
    """Counts cells by status in each group, table by table; at most `MOST_GROUPS` values of a column are held.

    Parameters
    ----------
    groups
        Named groups of load.pattern.

    Examples
    --------
    >>> counts = GroupCounts(["plate"])
    >>> for plate, status in [("P1", "kept"), ("P2", "border")]:
    ...     counts.add(pl.DataFrame({"meta__plate": [plate] * 2, "status": [status] * 2}))
    >>> counts.emptied()
    (Emptied(column='meta__plate', value='P2', cells=2, statuses={'border': 2}),)
    """

    def __init__(self, groups: Sequence[str]) -> None:
        self._counts: dict[str, dict[str, Counter[str]]] = {f"meta__{group}": {} for group in groups}

    def add(self, cells: pl.DataFrame) -> None:
        """Count the cells of a table, by ``meta__<group>`` and ``status``; a missing value is empty text."""
        for column, counted in list(self._counts.items()):
            table = cells.group_by(pl.col(column).fill_null(""), "status", maintain_order=True).len()
            for value, status, count in table.rows():
                counted.setdefault(value, Counter())[status] += count
            if len(counted) > MOST_GROUPS:
                del self._counts[column]

    def emptied(self) -> tuple[Emptied, ...]:
        """Return the groups without a kept cell, in order of column, then value."""
        return tuple(
            Emptied(column=column, value=value, cells=statuses.total(), statuses=dict(sorted(statuses.items())))
            for column, counted in self._counts.items()
            if sum(statuses.total() for statuses in counted.values()) >= LEAST_CELLS * len(counted)
            for value, statuses in sorted(counted.items())
            if KEPT not in statuses
        )
