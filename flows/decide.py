"""The quality decision: every rule's questions go to all cells through a tree of tasks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.stages import Result, Stages
from flows.tree import batches, joined
from tasks.core.decision import Decision
from tasks.core.digest import digest
from tasks.core.errors import InputError
from tasks.core.layout import Layout
from tasks.quality.config import Quality
from tasks.quality.decide import count_by, decide_by
from tasks.quality.survey import Survey
from tasks.quality.task import VERSION, merge_surveys, read_survey, survey_partitions

STAGE = "quality decision"


def decide_over_all(
    stages: Stages,
    measured: Sequence[Result],
    *,
    config: Quality,
    known: Decision | None,
    layout: Layout,
    resources: Mapping[str, float],
) -> Decision:
    """Find the thresholds of all rules over all partitions, if they are not known, and count what they reject.

    No task sees more than 32 partitions' metrics or 32 answers; the result does not depend on how they are gathered.

    Raises
    ------
    InputError
        A rule rejects all that was left, and the configuration does not allow it.
    """
    quiet = stages.silent()

    def ask(survey: Survey) -> Any:  # noqa: ANN401 - Answers or Tally, as is asked
        return _ask(quiet, measured, survey=survey, resources=resources)

    with stages.progress.stage(STAGE, total=1 if known else len(config.rules) + 1) as counter:
        if known is not None:
            decision = count_by(ask, decision=known, rules=config.rules)
            counter.advance()
        else:
            decision = decide_by(
                ask,
                rules=config.rules,
                default_region=layout.regions[0],
                stamps=layout.stamps,
                advance=counter.advance,
            )
    decision = decision.model_copy(update={"quality": config.model_dump(mode="json")})
    if not config.allow_none:
        _check_some_are_left(decision)
    return decision


def _ask(stages: Stages, measured: Sequence[Result], *, survey: Survey, resources: Mapping[str, float]) -> Any:  # noqa: ANN401
    """Let a tree of tasks answer a survey."""
    together = batches(measured)
    answers = stages.map(
        STAGE,
        survey_partitions,
        keys=[digest(VERSION, survey, [one.key for one in batch]) for batch in together],
        each=[{"measured": [one.folder for one in batch]} for batch in together],
        resources=resources,
        survey=survey,
    )
    root = joined(stages, STAGE, merge_surveys, results=answers, version=VERSION, resources=resources)
    return read_survey(Path(root.folder))


def _check_some_are_left(decision: Decision) -> None:
    for number, rule in enumerate(decision.rules):
        before, after = sum(one.before for one in rule.groups), sum(one.after for one in rule.groups)
        if before and not after:
            limits = sorted({one.threshold for one in rule.groups if one.threshold is not None})
            at = f"at {limits[0]:g}" if len(limits) == 1 else f"at {limits[0]:g} to {limits[-1]:g}" if limits else ""
            raise InputError(
                f"quality.rules.{number}: {rule.rule} keeps none of {before:,}: {rule.keep} its threshold "
                f"{at or '(there is none, for no value is known)'} lies no value of {rule.column}; change the rule, or "
                "set quality.allow_none: true if a table without rows will do"
            )
