"""Rules and thresholds of another run, as they stand in its statistics/quality.json."""

from collections.abc import Callable, Collection, Sequence

from pydantic import ValidationError

from tasks.core.decision import QualityDecision
from tasks.core.errors import InputError
from tasks.core.layout import Layout
from tasks.core.published import find_published
from tasks.quality.config import Quality, Rule, check_quality
from tasks.quality.measure import metric_column, with_regions

QUALITY = "quality.json"


def read_decision(use: str) -> tuple[Quality, QualityDecision]:
    """Read what another run decided: its rules, and their thresholds.

    Parameters
    ----------
    use
        That run's output folder, its folder ``statistics``, or the file itself.

    Raises
    ------
    InputError
        There is none, it is not ours, or that run had no rules.
    """
    path = find_published(use, name=QUALITY)
    if path is None:
        raise InputError(
            f"quality.use: there is no {QUALITY} at {use!r}; name the output folder of a run with quality rules, or "
            f"its statistics/{QUALITY}"
        )
    try:
        decision = QualityDecision.model_validate_json(path.read_text(encoding="utf-8"))
        if not decision.rules:
            raise InputError(f"quality.use: the run of {path} had no quality rules; name one that had, or give rules")
        return Quality.model_validate({"rules": decision.quality.get("rules")}), decision
    except (ValidationError, UnicodeDecodeError) as error:
        raise InputError(f"quality.use: {path} is not a quality decision as this program writes it") from error


def find_rules(
    config: Quality, *, layout: Layout, present_groups: Callable[[Sequence[str]], set[tuple[str, ...]]]
) -> tuple[Quality, QualityDecision | None]:
    """Return the rules to apply, and where they are another run's, their thresholds, too.

    Parameters
    ----------
    layout
        This run's channels, regions and groups.
    present_groups
        Tells the groups that this run's images form by some metadata.

    Raises
    ------
    InputError, ConfigError
        The other run has no rules, or they do not fit this one.
    """
    if not config.use:
        return config, None
    rules, decision = read_decision(config.use)
    rules = rules.model_copy(update={"allow_none": config.allow_none})
    check_quality(rules, channels=layout.channels, regions=layout.regions, groups=layout.metadata)
    return rules, _fitted(
        decision,
        rules=with_regions(rules.rules, main_region=layout.regions[0], stamps=layout.stamps),
        groups=present_groups,
    )


def _fitted(
    decision: QualityDecision,
    *,
    rules: Sequence[Rule],
    groups: Callable[[Sequence[str]], Collection[tuple[str, ...]]],
) -> QualityDecision:
    """Fit another run's decision to this one: its thresholds, of the groups that there are here.

    Parameters
    ----------
    rules
        Its rules, with the regions that they look at here.
    groups
        Returns the groups of this run's images by some metadata.

    Raises
    ------
    InputError
        It knows no threshold of some groups.
    """
    narrowed = []
    for fitted, rule in zip(decision.rules, rules, strict=True):
        present = groups(rule.group_by)
        known = {tuple(group.group[name] for name in rule.group_by): group for group in fitted.groups}
        if missing := sorted(set(present) - set(known)):
            named = ", ".join("/".join(group) for group in missing[:3])
            raise InputError(
                f"quality.use: rule {rule.name} has no threshold for {len(missing)} of {len(present)} groups by "
                f"{', '.join(rule.group_by)}: {named}{' …' if len(missing) > 3 else ''}; decide anew with "
                "quality.rules"
            )
        own = tuple(group for values, group in known.items() if values in present)
        narrowed.append(fitted.model_copy(update={"column": metric_column(rule), "groups": own}))
    return decision.model_copy(update={"rules": tuple(narrowed)})
