"""The quality decision, applied to cells."""

import math
from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from tasks.core.decision import GroupThreshold, QualityDecision, RuleDecision, group_values

NAN = float("nan")


def rule(
    thresholds: Mapping[tuple[str, ...], float | None],
    *,
    name: str = "dim",
    column: str = "x",
    keep: str = "above",
    group_by: tuple[str, ...] = (),
) -> RuleDecision:
    groups = [
        GroupThreshold(group=dict(zip(group_by, key, strict=True)), threshold=threshold, before=0, after=0)
        for key, threshold in thresholds.items()
    ]
    return RuleDecision.model_validate(
        {"rule": name, "column": column, "keep": keep, "group_by": group_by, "groups": tuple(groups)}
    )


@pytest.mark.parametrize(
    ("keep", "passes"),
    [("above", [False, False, True, False, False, False]), ("below", [True, False, False, False, False, False])],
)
def test_cells_strictly_on_one_side_pass_and_missing_values_never(keep: str, passes: list[bool]) -> None:
    metrics = pl.DataFrame({"x": [1.0, 2.0, 3.0, NAN, None, math.inf if keep == "above" else -math.inf]})
    assert rule({(): 2.0}, keep=keep).keeps(metrics).tolist() == passes


def test_every_group_has_its_own_threshold_and_a_missing_value_is_a_group_of_its_own() -> None:
    metrics = pl.DataFrame(
        {"x": [5.0] * 6, "meta__well": ["A", "B", None, "", "C", "D"], "meta__site": ["1", "1", "1", "1", "1", "1"]}
    )
    limits: dict[tuple[str, ...], float | None] = {
        ("A", "1"): 1.0,
        ("B", "1"): 9.0,
        ("", "1"): 2.0,
        ("D", "1"): None,
        ("C", "2"): 1.0,
    }
    fitted = rule(limits, group_by=("well", "site"))
    assert fitted.keeps(metrics).tolist() == [True, False, True, True, False, False]


def test_the_first_rule_that_a_cell_fails_is_its_reason() -> None:
    metrics = pl.DataFrame({"x": [1.0, 5.0, 5.0, 1.0], "y": [1.0, 1.0, 9.0, 9.0]})
    both = QualityDecision(rules=(rule({(): 3.0}), rule({(): 3.0}, name="small", column="y")))
    before = ["kept", "kept", "kept", "border"]
    assert both.statuses(metrics, before) == ["quality:dim", "quality:small", "kept", "border"]
    assert before == ["kept", "kept", "kept", "border"]


def test_without_rules_every_cell_keeps_its_status() -> None:
    assert QualityDecision(rules=()).statuses(pl.DataFrame({"status": ["kept", "border"]}), ["kept", "border"]) == [
        "kept",
        "border",
    ]


def test_no_cell_is_no_problem() -> None:
    empty = pl.DataFrame(schema={"x": pl.Float64, "meta__well": pl.String})
    assert QualityDecision(rules=(rule({("A",): 1.0}, group_by=("well",)),)).statuses(empty, []) == []


def test_what_the_features_depend_on_leaves_out_the_counts() -> None:
    fitted = rule({(): 3.0})
    counted = fitted.model_copy(update={"groups": (fitted.groups[0].model_copy(update={"before": 7, "after": 5}),)})
    other = rule({(): 3.5})
    assert QualityDecision(rules=(fitted,)).identity == QualityDecision(rules=(counted,)).identity
    assert QualityDecision(rules=(fitted,)).identity != QualityDecision(rules=(other,)).identity


def test_groups_of_rows_are_text() -> None:
    table = pl.DataFrame({"meta__a": ["x", None], "meta__b": [1, 2]})
    assert group_values(table, ("b", "a")) == [("1", "x"), ("2", "")]
    assert group_values(table, ()) == [(), ()]


def test_a_decision_survives_its_file() -> None:
    decision = QualityDecision(rules=(rule({("A",): 0.1, ("B",): None}, group_by=("well",)),))
    assert QualityDecision.model_validate_json(decision.model_dump_json()) == decision


def test_many_groups_cost_no_more_than_many_rows() -> None:
    count = 20_000
    wells = [f"w{number}" for number in range(count)]
    metrics = pl.DataFrame({"x": np.arange(count, dtype=float), "meta__well": wells})
    fitted = rule({(well,): float(number % 2) + number - 0.5 for number, well in enumerate(wells)}, group_by=("well",))
    passes = fitted.keeps(metrics)  # groups × rows would be 4·10⁸ comparisons, minutes
    assert passes.tolist() == [number % 2 == 0 for number in range(count)]
