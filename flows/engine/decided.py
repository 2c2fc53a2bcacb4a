"""What was decided over the whole data set, in a line each: read back from the folder ``statistics``."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.core.decision import QualityDecision, RuleDecision
from tasks.core.work import Frozen
from tasks.illumination.published import LISTED
from tasks.normalize.reuse import SCALING
from tasks.quality.reuse import QUALITY


class Decided(Frozen):
    """One decision.

    Parameters
    ----------
    step
        ``illumination``, ``quality:<rule>`` or ``normalize``.
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


def read_decided(statistics: Path) -> tuple[Decided, ...]:
    """Tell what stands in a folder ``statistics``."""
    return (*_illumination(statistics), *_quality(statistics), *_normalization(statistics))


def _illumination(statistics: Path) -> Iterator[Decided]:
    path = statistics / LISTED
    if path.exists():
        content = json.loads(path.read_text(encoding="utf-8"))
        yield Decided(step="illumination", how=content["illumination"]["method"], groups=len(content["corrections"]))


def _quality(statistics: Path) -> Iterator[Decided]:
    path = statistics / QUALITY
    for rule in QualityDecision.model_validate_json(path.read_text(encoding="utf-8")).rules if path.exists() else ():
        before, after = sum(one.before for one in rule.groups), sum(one.after for one in rule.groups)
        yield Decided(
            step=f"quality:{rule.rule}", how=_limits(rule), groups=len(rule.groups), before=before, after=after
        )


def _normalization(statistics: Path) -> Iterator[Decided]:
    path = statistics / SCALING
    if path.exists():
        content = json.loads(path.read_text(encoding="utf-8"))
        yield Decided(step="normalize", how=content["method"], groups=len(content["groups"]))


def _limits(rule: RuleDecision) -> str:
    low = _range(one.threshold for one in rule.groups)
    return f"{rule.keep} {low}" + (f" and {_range(one.upper for one in rule.groups)}" if rule.keep == "between" else "")


def _range(values: Iterable[float | None]) -> str:
    known = sorted({value for value in values if value is not None})
    if not known:
        return "nothing known"
    return f"{known[0]:.4g}" if len(known) == 1 else f"{known[0]:.4g} … {known[-1]:.4g}"
