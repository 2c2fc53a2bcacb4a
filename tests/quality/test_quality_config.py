"""The section ``quality``: names, shorthands, and what does not exist."""

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.core.errors import ConfigError
from tasks.quality.config import Quality, check_quality
from tasks.quality.thresholds.absolute import Absolute
from tasks.quality.thresholds.quantiles import NormalQuantile, Quantile

RULE = {"metric": "sum", "channel": "BF", "threshold": {"method": "quantile", "q": 0.1}}


def quality(*rules: dict[str, Any]) -> Quality:
    return Quality.model_validate({"rules": [RULE | rule for rule in rules]})


def test_a_list_is_short_for_its_rules() -> None:
    assert Quality.model_validate([RULE]) == quality({})


def test_a_rule_is_named_after_metric_and_channel_unless_told_otherwise() -> None:
    names = [
        rule.name for rule in quality({}, {"metric": "mean"}, {"name": "dim"}, {"name": "", "channel": "PI"}).rules
    ]
    assert names == ["sum_BF", "mean_BF", "dim", "sum_PI"]


def test_a_single_group_needs_no_list() -> None:
    assert quality({"group_by": "well"}) == quality({"group_by": ["well"]})


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        ({"method": "absolute", "value": 3}, Absolute(value=3)),
        ({"method": "quantile", "q": 0}, Quantile(q=0)),
        ({"method": "normal_quantile", "q": 0.05}, NormalQuantile(q=0.05)),
    ],
)
def test_thresholds_are_told_apart_by_method(threshold: dict[str, Any], expected: object) -> None:
    assert quality({"threshold": threshold}).rules[0].threshold == expected


@pytest.mark.parametrize(
    "rule",
    [
        {"threshold": {"method": "normal_quantile", "q": 0}},
        {"threshold": {"method": "normal_quantile", "q": 1}},
        {"threshold": {"method": "quantile", "q": 1.01}},
        {"threshold": {"method": "absolute", "value": float("nan")}},
        {"threshold": {"method": "absolute"}},
        {"threshold": 5},
        {"metric": "median"},
        {"keep": "outside"},
        {"over": "cell"},
        {"region": "cell"},
        {"region": "cell", "over": "image"},
    ],
)
def test_rules_that_mean_nothing_are_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        quality(rule)


def test_rules_of_one_name_are_refused_because_a_cell_is_told_which_it_failed() -> None:
    with pytest.raises(ValidationError, match="two rules are named 'sum_BF'; give one of them another 'name'"):
        quality({}, {"keep": "below"})


def test_at_least_one_rule_is_needed() -> None:
    with pytest.raises(ValidationError):
        quality()


def test_what_is_measured_does_not_depend_on_the_thresholds() -> None:
    changed = {"threshold": {"method": "absolute", "value": 1}, "keep": "below", "group_by": ["well"], "name": "x"}
    assert quality({}).measurements == quality(changed).measurements
    assert quality({}).measurements != quality({"metric": "mean"}).measurements
    assert quality({}).measurements != quality({"over": "mask"}).measurements


def check(*rules: dict[str, Any]) -> None:
    check_quality(quality(*rules), channels=["BF", "PI"], regions=["nucleus", "cell"], groups=["well", "site"])


def test_names_that_exist_pass() -> None:
    check({"group_by": ["site", "well"]}, {"channel": "PI", "over": "mask", "region": "cell"})


def test_every_name_that_does_not_exist_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        check({"channel": "bf"}, {"over": "mask", "region": "cel", "group_by": ["wall", "site", "plate"]})
    group = "which is no metadata of the images; allowed: well, site"
    region = "which is no mask or object that a cell has once; allowed: nucleus, cell"
    assert str(caught.value).splitlines() == [
        "quality.rules.0.channel: got 'bf', which is not a channel; allowed: BF, PI; did you mean 'BF'?",
        f"quality.rules.1.region: got 'cel', {region}; did you mean 'cell'?",
        f"quality.rules.1.group_by: got 'wall', {group}; did you mean 'well'?",
        f"quality.rules.1.group_by: got 'plate', {group}",
    ]


def test_without_pattern_there_is_nothing_to_group_by() -> None:
    with pytest.raises(ConfigError, match=r"no metadata of the images; nothing is allowed here"):
        check_quality(quality({"group_by": "well"}), channels=["BF"], regions=["li"], groups=())


def test_a_mask_named_image_would_share_a_column_with_the_image() -> None:
    with pytest.raises(ConfigError, match="a mask or object is named 'image', as is the whole image; rename it"):
        check_quality(quality({}), channels=["BF"], regions=["image"], groups=())
    check_quality(quality({"over": "mask"}), channels=["BF"], regions=["image"], groups=())
