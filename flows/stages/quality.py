"""Which cells are kept: metrics of every cell, then one decision over the whole data set."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flows.config import Config
from flows.engine.stage import PlanRow, Stage
from tasks.core.decision import QualityDecision
from tasks.core.file_names import STATISTICS_FOLDER
from tasks.core.layout import Layout
from tasks.core.published import Published
from tasks.core.storage import holds_key
from tasks.ingest.listing import ImageListing
from tasks.quality.config import Quality
from tasks.quality.decide import check_some_are_left, count_by, fit_rules
from tasks.quality.measure import with_regions
from tasks.quality.reuse import QUALITY, find_rules
from tasks.quality.survey import Survey

if TYPE_CHECKING:
    from flows.engine.dataset import Dataset
    from flows.engine.execution import Execution
    from flows.engine.graph import Handle

METRICS, DECISION = "quality metrics", "quality decision"
PUBLISHED = Published(path=f"{STATISTICS_FOLDER}/{QUALITY}", is_ours=holds_key("rules"))


def _row(config: Config) -> PlanRow | None:
    return PlanRow(per_partition=(METRICS,), more="a few for each quality rule") if config.quality else None


def _prepare(config: Config, listing: ImageListing, layout: Layout) -> tuple[Quality, QualityDecision | None] | None:
    """Return the rules to apply, and where they are another run's, their thresholds, too."""
    return find_rules(config.quality, layout=layout, present_groups=listing.present_groups) if config.quality else None


def _run(execution: "Execution", data: "Dataset", prepared: tuple[Quality, QualityDecision | None] | None) -> "Dataset":
    from flows.engine.decision_summary import summarize_quality
    from tasks.quality.task import measure_partition

    if prepared is None:
        return data
    quality, known = prepared
    metrics = execution.map(
        METRICS,
        measure_partition,
        mapped=[
            {"partition": partition, "cells": cells}
            for partition, cells in zip(data.partitions, data.cells, strict=True)
        ],
        unmapped={"source": data.source, "measurements": quality.measurements},
        resources=execution.resources["quality"],
    )
    decision = _fit_rules(execution, metrics, quality=quality, known=known)
    for summary in summarize_quality(decision):
        execution.watcher.decided(summary)
    return data.having(metrics=metrics, decision=decision)


def _fit_rules(
    execution: "Execution", metrics: "Sequence[Handle]", *, quality: Quality, known: QualityDecision | None
) -> QualityDecision:
    """Find the thresholds of all rules over all partitions, if they are not known, and count what they reject.

    No task sees more than 32 partitions' metrics or 32 answers; the result does not depend on how they are gathered.
    """
    layout = execution.preparation.layout
    progress = execution.progress.stage(DECISION, total=1 if known else len(quality.rules) + 1)
    execution.wait(metrics)
    progress.begin()

    def ask(survey: Survey) -> Any:  # noqa: ANN401 - Answers or RuleCounts, as is asked
        return _ask(execution, metrics, survey=survey)

    if known is not None:
        decision = count_by(ask, decision=known, rules=quality.rules)
        progress.advance()
    else:
        decision = fit_rules(
            ask,
            rules=with_regions(quality.rules, main_region=layout.regions[0], stamps=layout.stamps),
            advance=progress.advance,
        )
    if not quality.allow_none:
        check_some_are_left(decision)
    return decision.model_copy(update={"quality": quality.model_dump(mode="json")})


def _ask(execution: "Execution", metrics: "Sequence[Handle]", *, survey: Survey) -> Any:  # noqa: ANN401
    """Let a tree of tasks answer a survey."""
    from flows.engine.execution import groups
    from tasks.quality.task import merge_surveys, read_survey, survey_partitions

    resources = execution.resources["quality"]
    answers = execution.map(
        DECISION,
        survey_partitions,
        mapped=[{"measured": parts} for parts in groups(metrics)],
        unmapped={"survey": survey},
        resources=resources,
        show_progress=False,
    )
    (root,) = execution.wait([execution.tree_reduce(DECISION, merge_surveys, results=answers, resources=resources)])
    return read_survey(root)


filter_cells = Stage(
    name="quality",
    row=_row,
    prepare=_prepare,
    run=_run,
    published=lambda _: (PUBLISHED,),
)
