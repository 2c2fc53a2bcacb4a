"""Thresholds, and the decision over the whole data set."""

import time
from math import inf
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.decision import QualityDecision, emptied_groups
from tasks.quality.config import Quality
from tasks.quality.decide import decide
from tasks.quality.measure import with_regions

X, Y = "image__quality_sum__BF", "li__quality_mean__PI"


def rule(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - as read from a file
    return {"metric": "sum", "channel": "BF", "threshold": {"method": "quantile", "q": 0.5}} | fields


def fit(metrics: pl.DataFrame, *rules: dict[str, Any]) -> QualityDecision:
    configured = Quality.model_validate({"rules": rules}).rules
    return decide(metrics, rules=with_regions(configured, main_region="li", stamps=True))


def table(x: list[float | None], **columns: list[Any]) -> pl.DataFrame:
    images = [f"{number:04d}.tif" for number in range(len(x))]
    return pl.DataFrame({"meta__image": images, "status": ["kept"] * len(x), X: x} | columns, strict=False)


def statuses(decision: QualityDecision, metrics: pl.DataFrame) -> list[str]:
    return decision.statuses(metrics, metrics["status"].to_list())


def test_a_threshold_is_taken_from_kept_cells_only() -> None:
    metrics = table([1.0, 2.0, 3.0, 100.0, 200.0], status=["kept", "kept", "kept", "border", "no_object"])
    decision = fit(metrics, rule())
    ((group,),) = (rule_decision.groups for rule_decision in decision.rules)
    assert (group.group, group.threshold, group.before, group.after) == ({}, 2.0, 3, 1)
    assert statuses(decision, metrics) == ["quality:sum_BF", "quality:sum_BF", "kept", "border", "no_object"]


def test_a_rule_looks_at_what_the_rules_before_it_kept() -> None:
    metrics = table([1.0, 2.0, 3.0, 4.0, 5.0], **{Y: [50.0, 40.0, 30.0, 20.0, 10.0]})
    dim = rule(threshold={"method": "absolute", "value": 1})
    small = rule(metric="mean", channel="PI", over="mask")
    x, y = "quality:sum_BF", "quality:mean_PI"
    one_way = fit(metrics, dim, small)
    assert [fitted.groups[0].threshold for fitted in one_way.rules] == [1.0, 25.0]  # the median of 40, 30, 20, 10
    assert statuses(one_way, metrics) == [x, "kept", "kept", y, y]
    other_way = fit(metrics, small, dim)
    assert [fitted.groups[0].threshold for fitted in other_way.rules] == [30.0, 1.0]
    assert statuses(other_way, metrics) == [x, "kept", y, y, y]


def test_below_keeps_the_other_side() -> None:
    metrics = table([1.0, 2.0, 3.0])
    decision = fit(metrics, rule(keep="below"))
    assert decision.rules[0].groups[0].after == 1
    assert statuses(decision, metrics) == ["kept", "quality:sum_BF", "quality:sum_BF"]


def test_every_group_gets_its_own_threshold_and_missing_metadata_is_a_group() -> None:
    wells: list[str | None] = ["A", "A", "A", "B", "B", "B", None, None, None, "C"]
    metrics = table([1.0, 2.0, 3.0, 10.0, 20.0, 30.0, 7.0, 8.0, 9.0, 5.0], meta__well=wells)
    decision = fit(metrics, rule(group_by=["well"]))
    limits = {group.group["well"]: (group.threshold, group.before, group.after) for group in decision.rules[0].groups}
    assert limits == {"": (8.0, 3, 1), "A": (2.0, 3, 1), "B": (20.0, 3, 1), "C": (-inf, 1, 1)}
    kept_wells = [well for well, status in zip(wells, statuses(decision, metrics), strict=True) if status == "kept"]
    assert kept_wells == ["A", "B", None, "C"]


def test_groups_may_be_combinations() -> None:
    metrics = table([1.0, 2.0, 3.0, 4.0], meta__well=["A", "A", "A", "B"], meta__site=["1", "1", "2", "1"])
    decision = fit(metrics, rule(group_by=["well", "site"]))
    groups = [(group.group["well"], group.group["site"], group.threshold) for group in decision.rules[0].groups]
    assert groups == [("A", "1", 1.5), ("A", "2", -inf), ("B", "1", -inf)]


STATISTICS = [
    {"method": "quantile", "q": 0.5},
    {"method": "normal_quantile", "q": 0.9},
    {"method": "mad", "n": -50},
    {"method": "mad", "n": 3},
    {"method": "otsu"},
    {"method": "mixture"},
]


@pytest.mark.parametrize("keep", ["above", "below", "between"])
@pytest.mark.parametrize("threshold", STATISTICS, ids=lambda method: method["method"])
@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0, 5.0]])
def test_a_group_of_equal_values_loses_none_to_a_statistic(
    values: list[float], threshold: dict[str, Any], keep: str
) -> None:
    upper = {"upper": threshold} if keep == "between" else {}
    metrics = table([*values, None, 1.0, 2.0], meta__well=[*"A" * (len(values) + 1), "B", "B"])
    decision = fit(metrics, rule(threshold=threshold, keep=keep, group_by=["well"], **upper))
    assert statuses(decision, metrics)[: len(values) + 1] == ["kept"] * len(values) + ["quality:sum_BF"]
    assert QualityDecision.model_validate_json(decision.model_dump_json()) == decision
    assert QualityDecision.model_validate(decision.model_dump(mode="json")) == decision


@pytest.mark.parametrize("n", [-3, 3])
def test_a_median_deviation_of_0_removes_none(n: float) -> None:
    metrics = table([1.0, 1.0, 1.0, 1.0, 2.0])
    for keep in ("above", "below"):
        decision = fit(metrics, rule(threshold={"method": "mad", "n": n}, keep=keep))
        assert statuses(decision, metrics) == ["kept"] * 5
    assert fit(metrics, rule(threshold={"method": "mad", "n": 0})).rules[0].groups[0].threshold == 1


def test_a_given_value_holds_in_a_group_of_one_cell_and_emptied_groups_are_listed() -> None:
    metrics = table([5.0, 1.0, 7.0, 1.5, 1.8], meta__well=["A", "B", "A", "C", "C"])
    given = rule(threshold={"method": "absolute", "value": 2}, group_by=["well"])
    decision = fit(metrics, given, rule(name="second", threshold={"method": "quantile", "q": 1}))
    first, second = "quality:sum_BF", "quality:second"
    assert statuses(decision, metrics) == [second, first, second, first, first]
    emptied = [(group.rule, group.group, group.before) for group in emptied_groups(decision)]
    assert emptied == [("sum_BF", {"well": "B"}, 1), ("sum_BF", {"well": "C"}, 2), ("second", {}, 2)]


def test_a_missing_metric_is_rejected_and_does_not_count_for_the_threshold() -> None:
    metrics = table([1.0, float("nan"), None, 3.0, 5.0])
    decision = fit(metrics, rule())
    assert (decision.rules[0].groups[0].threshold, decision.rules[0].groups[0].before) == (3.0, 5)
    assert statuses(decision, metrics) == ["quality:sum_BF"] * 4 + ["kept"]


def test_a_group_without_any_value_has_no_threshold_and_keeps_nothing() -> None:
    metrics = table([float("nan"), 1.0, 2.0], meta__well=["A", "B", "B"])
    decision = fit(metrics, rule(group_by=["well"]))
    assert [group.threshold for group in decision.rules[0].groups] == [None, 1.5]
    assert statuses(decision, metrics) == ["quality:sum_BF", "quality:sum_BF", "kept"]


def test_a_metric_over_the_image_counts_an_image_once_however_many_cells_it_holds() -> None:
    metrics = pl.DataFrame(
        {
            "meta__image": ["a"] * 5 + ["b", "c"],
            "status": ["border", "kept", "kept", "kept", "kept", "kept", "kept"],
            X: [1.0] * 5 + [2.0, 3.0],
            Y: [1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0],
        }
    )
    over_image, over_mask = fit(metrics, rule()), fit(metrics, rule(metric="mean", channel="PI", over="mask"))
    assert (over_image.rules[0].groups[0].threshold, over_image.rules[0].groups[0].before) == (2.0, 3)
    assert (over_mask.rules[0].groups[0].threshold, over_mask.rules[0].groups[0].before) == (1.0, 6)


@given(seed=st.integers(0, 1000), size=st.integers(1, 60))
def test_the_decision_does_not_depend_on_the_order_of_the_cells(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    metrics = table(
        rng.normal(1e5, 3e4, size).tolist(),
        meta__well=rng.choice(["A", "B", ""], size).tolist(),
        status=rng.choice(["kept", "kept", "border"], size).tolist(),
        **{Y: rng.lognormal(3, 1, size).tolist()},
    )
    rules = (
        rule(threshold={"method": "normal_quantile", "q": 0.2}, group_by=["well"]),
        rule(metric="mean", channel="PI", over="mask", keep="below", threshold={"method": "quantile", "q": 0.8}),
    )
    shuffled = metrics[rng.permutation(size).tolist()]
    assert fit(shuffled, *rules) == fit(metrics, *rules)


@pytest.mark.parametrize("statuses", [[], ["border", "border"]])
def test_a_data_set_without_kept_cells_has_a_decision_too(statuses: list[str]) -> None:
    metrics = table([1.0] * len(statuses), status=statuses).cast(
        {"meta__image": pl.String, "status": pl.String, X: pl.Float64}
    )
    decision = fit(metrics, rule())
    assert decision.rules[0].groups == ()
    assert decision.statuses(metrics, statuses) == statuses


def test_the_file_of_a_decision_brings_back_every_threshold_to_the_last_bit() -> None:
    metrics = table(np.random.default_rng(0).normal(size=101).tolist())
    decision = fit(metrics, rule(threshold={"method": "normal_quantile", "q": 0.05}))
    assert QualityDecision.model_validate_json(decision.model_dump_json(indent=2)) == decision


def test_many_groups_cost_no_more_than_many_cells() -> None:
    count = 20_000
    metrics = table(np.arange(count, dtype=float).tolist(), meta__cell=[str(number) for number in range(count)])
    start = time.process_time()
    decision = fit(metrics, rule(threshold={"method": "absolute", "value": 9.5}, group_by=["cell"]))
    assert len(decision.rules[0].groups) == count
    assert statuses(decision, metrics).count("kept") == count - 10
    assert time.process_time() - start < 20, "groups × rows would take minutes"
