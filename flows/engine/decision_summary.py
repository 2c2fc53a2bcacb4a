"""What was decided over the whole data set, in a line each: read back from the folder ``statistics``."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.core.decision import QualityDecision, RuleDecision
from tasks.core.work import Frozen
from tasks.illumination.published import CORRECTIONS
from tasks.normalize.reuse import SCALING
from tasks.quality.reuse import QUALITY
from tasks.segment.model.decision import DIAMETERS, PublishedDiameters


class DecisionSummary(Frozen):
    """One decision.

    Parameters
    ----------
    step
        ``illumination``, ``diameter:<object>``, ``quality:<rule>`` or ``normalize``.
    how
        By which method, or which values are kept.
    groups
        Groups of images, each with a decision of its own.
    before, after
        Cells, or images, that a rule looked at and kept; none where nothing is left out.
    """

    step: str
    how: str
    groups: int
    before: int | None = None
    after: int | None = None

    @property
    def line(self) -> str:
        """All of it, in a line."""
        groups = f" in {self.groups:,} groups" if self.groups > 1 else ""
        counts = "" if self.before is None or self.after is None else f": {self.after:,} of {self.before:,} kept"
        return f"decided {self.step}: {self.how}{groups}{counts}"


def summarize_decisions(statistics: Path) -> tuple[DecisionSummary, ...]:
    """Tell what stands in a folder ``statistics``."""
    return (*_illumination(statistics), *_diameters(statistics), *_quality(statistics), *_normalization(statistics))


def _illumination(statistics: Path) -> Iterator[DecisionSummary]:
    path = statistics / CORRECTIONS
    if path.exists():
        content = json.loads(path.read_text(encoding="utf-8"))
        yield DecisionSummary(
            step="illumination", how=content["illumination"]["method"], groups=len(content["corrections"])
        )


def _diameters(statistics: Path) -> Iterator[DecisionSummary]:
    path = statistics / DIAMETERS
    if path.exists():
        yield from summarize_diameters(PublishedDiameters.model_validate_json(path.read_bytes()))


def summarize_diameters(published: PublishedDiameters) -> Iterator[DecisionSummary]:
    """Tell the diameter of each object that a model finds."""
    for own in published.diameters:
        pixels = f"{_range(group.diameter for group in own.groups)} px, by the model {own.model}"
        yield DecisionSummary(step=f"diameter:{own.object}", how=pixels, groups=len(own.groups))


def _quality(statistics: Path) -> Iterator[DecisionSummary]:
    path = statistics / QUALITY
    if path.exists():
        yield from summarize_quality(QualityDecision.model_validate_json(path.read_text(encoding="utf-8")))


def summarize_quality(decision: QualityDecision) -> Iterator[DecisionSummary]:
    """Tell what each rule keeps."""
    for rule in decision.rules:
        before, after = sum(group.before for group in rule.groups), sum(group.after for group in rule.groups)
        yield DecisionSummary(
            step=f"quality:{rule.rule}",
            how=f"{rule.counted} {_limits(rule)}",
            groups=len(rule.groups),
            before=before,
            after=after,
        )


def _normalization(statistics: Path) -> Iterator[DecisionSummary]:
    path = statistics / SCALING
    if path.exists():
        content = json.loads(path.read_text(encoding="utf-8"))
        yield DecisionSummary(step="normalize", how=content["method"], groups=len(content["groups"]))


def _limits(rule: RuleDecision) -> str:
    low = _range(group.threshold for group in rule.groups)
    return f"{rule.keep} {low}" + (
        f" and {_range(group.upper for group in rule.groups)}" if rule.keep == "between" else ""
    )


def _range(values: Iterable[float | None]) -> str:
    known = sorted({value for value in values if value is not None})
    if not known:
        return "nothing known"
    return f"{known[0]:.4g}" if len(known) == 1 else f"{known[0]:.4g} … {known[-1]:.4g}"
