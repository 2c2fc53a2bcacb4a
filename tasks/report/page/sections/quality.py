"""What each quality rule removed, and why; and what was left out before any rule."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tasks.core.decision import KEPT, GroupThreshold, RuleDecision
from tasks.report.material import CellPicture
from tasks.report.page.facts import QUARANTINED, RULE, in_words
from tasks.report.page.figures.figure import Figure
from tasks.report.page.figures.rule_histogram import rule_histogram
from tasks.report.page.gather import IDENTITY, Gathered
from tasks.report.page.histogram import choose_bins, count_in_bins, thinned
from tasks.report.page.pictures import Montage, Shown, cell_title
from tasks.report.page.tables import cell_batches
from tasks.report.page.words import count, group_in_words, number, share

MOST_GROUPS = 6
"""Groups with a histogram each: those of which most is removed."""

NEAREST = 12
"""Kept cells that are shown beside the removed ones."""

MOST_THRESHOLDS = 200
GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RuleView:
    """A rule: what it looks at and keeps, in words; histograms; pictures; thresholds of all groups.

    Parameters
    ----------
    counted
        What the rule counts: cells or images.
    removed
        Number of cells that it removed.
    """

    name: str
    sentence: str
    counted: str
    removed: int
    figures: Sequence[Figure]
    groups_note: str
    removed_pictures: Montage
    kept_pictures: Montage
    thresholds: Sequence[tuple[str, str, str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonView:
    """Why cells were left out before any rule looked at them, with pictures."""

    title: str
    sentence: str
    pictures: Montage


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QualitySection:
    """Rules in the order in which they apply, and reasons before them."""

    rules: Sequence[RuleView]
    reasons: Sequence[ReasonView]


REASONS = {
    "no_object": "Nothing in these images stands out from the background, so there is no cell to measure.",
    "border": "The edge of the image cuts through these cells, so their size and shape are not known.",
    "channel_filter": "A channel of these cells does not pass the filter of the configuration (mask.channel_filter).",
}


def quality_section(gathered: Gathered) -> QualitySection:
    """Show what was left out."""
    asked = {_name(rule): rule for rule in gathered.decision.quality.get("rules", ())}
    rules = tuple(
        _rule(gathered, place=place, asked=asked.get(rule.rule, {}))
        for place, rule in enumerate(gathered.decision.rules)
    )
    return QualitySection(rules=rules, reasons=tuple(_reasons(gathered)))


def _name(rule: Mapping[str, Any]) -> str:
    return str(rule.get("name"))


def _reasons(gathered: Gathered) -> Iterator[ReasonView]:
    statuses = gathered.facts.statuses
    found = sum(statuses.values())
    rules = {f"{RULE}{rule.rule}" for rule in gathered.decision.rules}
    for status, cells in statuses.items():
        if status in {KEPT, QUARANTINED} or status in rules or not cells:
            continue
        pictures = [Shown.of(picture, title=cell_title(picture)) for picture in gathered.pictures_of(status)]
        yield ReasonView(
            title=f"{in_words(status).capitalize()}: {count(cells)} of {count(found)} cells ({share(cells, found)})",
            sentence=REASONS.get(status, ""),
            pictures=Montage.of(pictures),
        )


def _rule(gathered: Gathered, *, place: int, asked: Mapping[str, Any]) -> RuleView:
    rule = gathered.decision.rules[place]
    metric = metric_in_words(rule, asked=asked)
    shown = sorted(rule.groups, key=lambda group: -(1 - group.after / group.before if group.before else 0))
    shown = shown[:MOST_GROUPS]
    before, after = sum(group.before for group in rule.groups), sum(group.after for group in rule.groups)
    more = len(rule.groups) - len(shown)
    return RuleView(
        name=rule.rule,
        sentence=(
            f"Keeps {rule.counted} whose {metric} is {_side(rule)}, and removed {count(before - after)} of "
            f"{count(before)} ({share(before - after, before)}) that came this far."
        ),
        counted=rule.counted,
        removed=gathered.facts.statuses.get(f"{RULE}{rule.rule}", 0),
        figures=tuple(_histograms(gathered, place=place, shown=shown, metric=metric)),
        groups_note=f"The {len(shown)} groups of {len(rule.groups):,} of which it removed most." if more > 0 else "",
        removed_pictures=Montage.of(_removed(gathered, rule=rule)),
        kept_pictures=Montage.of(_nearest(gathered, rule=rule)),
        thresholds=tuple(_thresholds(rule))[:MOST_THRESHOLDS] if len(rule.groups) > 1 else (),
    )


def metric_in_words(rule: RuleDecision, *, asked: Mapping[str, Any]) -> str:
    """Say what a rule looks at; by its column where the configuration that asked for it is not known.

    Examples
    --------
    >>> rule = RuleDecision(rule="dim", column="image__quality_sum__DNA", keep="above", group_by=(), groups=())
    >>> metric_in_words(rule, asked={"metric": "sum", "channel": "DNA", "over": "image"})
    'sum of DNA over the image'
    """
    if not asked:
        return rule.column
    channel = f" of {asked['channel']}" if asked.get("channel") else ""
    percentile = f" {asked['percentile']:g}" if asked.get("percentile") is not None else ""
    over = "the image" if asked.get("over") == "image" else asked.get("region") or "the cell"
    return f"{str(asked['metric']).replace('_', ' ')}{percentile}{channel} over {over}"


def _side(rule: RuleDecision) -> str:
    if len(rule.groups) != 1:
        return (
            {"above": "above", "below": "below", "between": "between"}[rule.keep]
            + (" two limits" if rule.keep == "between" else " a limit")
            + " of each group of images"
        )
    group = rule.groups[0]
    if rule.keep == "between":
        return f"between {number(group.threshold)} and {number(group.upper)}"
    return f"{rule.keep} {number(group.threshold)}"


def _thresholds(rule: RuleDecision) -> Iterator[tuple[str, str, str, str, str]]:
    for group in rule.groups:
        limits = number(group.threshold) + (f" – {number(group.upper)}" if rule.keep == "between" else "")
        removed = group.before - group.after
        yield group_in_words(group.group), limits, count(group.before), count(removed), share(removed, group.before)


def _histograms(gathered: Gathered, *, place: int, shown: Sequence[GroupThreshold], metric: str) -> Iterator[Figure]:
    rule = gathered.decision.rules[place]

    def batches() -> Iterator[pl.DataFrame]:
        """Yield those cells that came as far as this rule, with their group in words."""
        columns = [rule.column, "status", *(f"meta__{name}" for name in rule.group_by)]
        reached = [KEPT, *(f"{RULE}{later.rule}" for later in gathered.decision.rules[place:])]
        names = pl.concat_str([_in_words(name) for name in rule.group_by], separator=", ") if rule.group_by else None
        first = gathered.facts.first_object
        for batch in cell_batches(gathered.output, list(dict.fromkeys(columns)), first_object=first):
            own = batch.filter(pl.col("status").is_in(reached))
            yield own.select(rule.column, (pl.lit("all cells") if names is None else names).alias(GROUP))

    sample = thinned(batches(), [rule.column, GROUP])
    chosen = {}
    for group in shown:
        values = sample.filter(pl.col(GROUP) == group_in_words(group.group))[rule.column].cast(pl.Float64).to_numpy()
        limits = [limit for limit in (group.threshold, group.upper) if limit is not None]
        chosen[group_in_words(group.group)] = choose_bins(values, include=limits)
    for number_, group in enumerate(shown):
        words = group_in_words(group.group)
        bins = chosen[words]
        own = (batch.filter(pl.col(GROUP) == words) for batch in batches())
        counts = count_in_bins(own, bins={rule.column: bins})[rule.column].get("", np.zeros(bins.count))
        removed = group.before - group.after
        words_of_limits = number(group.threshold) + (f" to {number(group.upper)}" if rule.keep == "between" else "")
        yield Figure(
            name=f"rule-{place}-{number_}",
            title=words,
            text=f"{count(removed)} of {count(group.before)} {rule.counted} removed ({share(removed, group.before)})",
            alt=(
                f"Histogram of {metric}; kept is what is {rule.keep} {words_of_limits}; "
                f"{removed:,} of {group.before:,} {rule.counted} removed"
            ),
            chart=rule_histogram(
                bins=bins,
                counts=counts,
                keep=rule.keep,
                threshold=group.threshold,
                upper=group.upper,
                metric=metric,
            ),
        )


def _in_words(name: str) -> pl.Expr:
    value = pl.col(f"meta__{name}").cast(pl.String).fill_null("")
    return pl.concat_str(pl.lit(f"{name} "), pl.when(value == "").then(pl.lit("(none)")).otherwise(value))


def _values(gathered: Gathered, rule: RuleDecision) -> dict[tuple[str, int], float]:
    if rule.column not in gathered.metrics.columns:
        return {}
    rows = gathered.metrics.select(*IDENTITY, pl.col(rule.column).cast(pl.Float64).fill_null(float("nan")))
    return {(image, cell): value for image, cell, value in rows.iter_rows()}


def _removed(gathered: Gathered, *, rule: RuleDecision) -> list[Shown]:
    values = _values(gathered, rule)
    pictures = gathered.pictures_of(f"{RULE}{rule.rule}")
    return [_shown(picture, values) for picture in sorted(pictures, key=lambda picture: _order(picture, values))]


def _nearest(gathered: Gathered, *, rule: RuleDecision) -> list[Shown]:
    """Show the kept cells with a picture that are nearest to the threshold of their group."""
    values = _values(gathered, rule)
    limits = {
        tuple(group.group[name] for name in rule.group_by): [
            limit for limit in (group.threshold, group.upper) if limit is not None and np.isfinite(limit)
        ]
        for group in rule.groups
    }
    columns = [f"meta__{name}" for name in rule.group_by]
    groups = {
        (image, cell): tuple(value or "" for value in group)
        for image, cell, *group in gathered.metrics.select(*IDENTITY, *columns).iter_rows()
    }
    apart: list[tuple[float, CellPicture]] = []
    for picture in gathered.pictures_of(KEPT):
        identity = (picture.image, picture.object)
        own = limits.get(groups.get(identity, ()), [])
        if identity in values and own:
            apart.append((min(abs(values[identity] - limit) for limit in own), picture))
    nearest = [picture for _, picture in sorted(apart, key=lambda item: (item[0], item[1].rank))[:NEAREST]]
    return [_shown(picture, values) for picture in sorted(nearest, key=lambda picture: _order(picture, values))]


def _order(picture: CellPicture, values: Mapping[tuple[str, int], float]) -> tuple[bool, float]:
    value = values.get((picture.image, picture.object), float("nan"))
    return bool(np.isnan(value)), value


def _shown(picture: CellPicture, values: Mapping[tuple[str, int], float]) -> Shown:
    value = values.get((picture.image, picture.object))
    return Shown.of(picture, title=cell_title(picture), note="" if value is None else number(value))
