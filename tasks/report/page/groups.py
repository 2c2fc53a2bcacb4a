"""Which groups of cells are compared, and how they are told apart by colour."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

OTHERS = "others"
MOST = 6
"""Groups with a colour of their own; more colours are not told apart."""

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Of Okabe and Ito, which people with any colour vision tell apart."""

OTHERS_COLOUR = "#8c8c8c"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Cells in groups by one piece of their path's metadata.

    Parameters
    ----------
    name
        Named group of load.pattern.
    cells
        Kept cells by its value, most first; those that have no colour of their own are counted as `OTHERS`.
    """

    name: str
    cells: Mapping[str, int]

    @property
    def colours(self) -> dict[str, str]:
        """Colour of each."""
        own = [value for value in self.cells if value != OTHERS]
        colours = dict(zip(own, COLOURS, strict=False))
        return colours | ({OTHERS: OTHERS_COLOUR} if OTHERS in self.cells else {})

    def named(self, value: str) -> str:
        """Return the group that a cell counts to."""
        return value if value in self.cells else OTHERS


def count_values(batches: Iterable[pl.DataFrame], groups: Sequence[str]) -> dict[str, dict[str, int]]:
    """Count the cells by each group's values.

    Parameters
    ----------
    batches
        Tables with columns ``meta__<group>``.
    """
    counts: dict[str, dict[str, int]] = {group: {} for group in groups}
    for batch in batches:
        for group, own in counts.items():
            for value, cells in batch[f"meta__{group}"].fill_null("").value_counts().iter_rows():
                own[value] = own.get(value, 0) + cells
    return counts


def choose_groupings(counts: Mapping[str, Mapping[str, int]], *, first: Sequence[str] = ()) -> list[Grouping]:
    """Choose the groups by which cells are worth comparing: those that hold several cells each and are not all one.

    Parameters
    ----------
    counts
        Of each group's values.
    first
        Groups that come first, since quality rules tell them apart; then those with the fewest values.
    """
    worth = {name: values for name, values in counts.items() if 1 < len(values) <= max(2, sum(values.values()) // 4)}
    order = sorted(worth, key=lambda name: (name not in first, len(worth[name]) > MOST, len(worth[name])))
    return [Grouping(name=name, cells=_most(worth[name])) for name in order]


def _most(values: Mapping[str, int]) -> dict[str, int]:
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    if len(ordered) <= MOST:
        return dict(sorted(ordered))
    rest = sum(count for _, count in ordered[MOST - 1 :])
    return dict(sorted(ordered[: MOST - 1])) | {OTHERS: rest}
