"""How a few telling features of each family are distributed over all kept cells."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tasks.report.page.figures.distribution import distribution_chart
from tasks.report.page.figures.figure import Figure
from tasks.report.page.gather import Gathered
from tasks.report.page.groups import Grouping
from tasks.report.page.histogram import choose_bins, count_in_bins
from tasks.report.page.words import unit

GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FamilyView:
    """A family of features: how many there are, and figures of some."""

    name: str
    features: int
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DistributionsSection:
    """Families; groups by which cells are told apart, with colour and number of cells."""

    families: Sequence[FamilyView]
    by: str
    groups: Sequence[tuple[str, str, int]]


def distributions_section(gathered: Gathered, *, features: Sequence[str]) -> DistributionsSection:
    """Draw histograms of some features over all kept cells.

    Parameters
    ----------
    features
        Which, as `choose_features` chose them.
    """
    grouping = _grouping(gathered)
    column = gathered.table.meta(f"meta__{grouping.name}") if grouping else None
    shown = gathered.survey.shown
    ranges = {low_high[0]: low_high[1:] for low_high in gathered.survey.columns.select("name", "low", "high").rows()}
    bins = {
        name: choose_bins(shown[name].cast(pl.Float64).to_numpy(), include=() if len(shown) else ranges[name])
        for name in features
    }

    def batches() -> Iterator[pl.DataFrame]:
        columns = [*features, *([column] if column else [])]
        for batch in gathered.table.batches(columns):
            if grouping is None or column is None:
                yield batch
            else:
                named = (
                    pl.col(column).cast(pl.String).fill_null("").map_elements(grouping.named, return_dtype=pl.String)
                )
                yield batch.with_columns(named.alias(GROUP))

    counts = count_in_bins(batches(), bins=bins, group=GROUP if column else None)
    described = {row["name"]: row for row in gathered.table.features.iter_rows(named=True)}
    colours = grouping.colours if grouping else {}
    figures: dict[str, list[Figure]] = {}
    for place, name in enumerate(features):
        row = described[name]
        order = {group: counts[name][group] for group in (colours or [""]) if group in counts[name]}
        figure = Figure(
            name=f"feature-{place}",
            title=feature_in_words(row),
            column=name,
            text=row["definition"],
            alt=f"Distribution of {name} over {gathered.survey.rows:,} cells. {row['definition']}",
            chart=distribution_chart(bins=bins[name], counts=order, colours=colours, title=unit(row["unit"])),
        )
        figures.setdefault(row["family"], []).append(figure)
    sizes = dict(gathered.table.features["family"].value_counts().iter_rows())
    return DistributionsSection(
        families=[FamilyView(name=name, features=sizes[name], figures=own) for name, own in figures.items()],
        by=grouping.name if grouping else "",
        groups=[(value or "(none)", colours[value], cells) for value, cells in grouping.cells.items()]
        if grouping
        else (),
    )


def feature_in_words(row: Mapping[str, Any]) -> str:
    """Name a feature by its row of the dictionary.

    Examples
    --------
    >>> row = {"stat": "energy_std", "param": "d5", "channels": ["CD16"], "object": "li.combined", "child": ""}
    >>> feature_in_words(row)
    'energy std d5 of CD16'
    """
    words = " ".join(part for part in (row["child"], row["stat"].replace("_", " "), row["param"]) if part)
    return f"{words} of {' and '.join(row['channels'])}" if row["channels"] else f"{words} of {row['object']}"


def _grouping(gathered: Gathered) -> Grouping | None:
    """Compare by the first grouping that the table has a column of."""
    return next((one for one in gathered.groupings if gathered.table.meta(f"meta__{one.name}")), None)
