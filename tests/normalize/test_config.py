"""The section ``normalize``: methods, shorthands, and what does not exist."""

from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from tasks.core.errors import ConfigError
from tasks.core.explain import explain
from tasks.core.section import Section
from tasks.normalize import Asinh, MinMax, Normalize, Quantile, Robust, ScalingMethod, Use, check_normalize, scalings


class Holder(Section):
    """A configuration with this section only."""

    normalize: Annotated[ScalingMethod, scalings] | None = Field(default=None, description="How pixels are scaled.")


def parsed(value: object) -> ScalingMethod | None:
    return Holder.model_validate({"normalize": value}).normalize


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("minmax", MinMax()),
        ({"method": "quantile", "lower": 0.05}, Quantile(lower=0.05, upper=0.99)),
        ({"method": "robust", "group_by": "plate"}, Robust(group_by=("plate",))),
        ({"method": "asinh", "cofactor": 150, "group_by": ["a", "b"]}, Asinh(cofactor=150, group_by=("a", "b"))),
        ({"use": "output"}, Use(use="output")),
        ({"method": "use", "use": "output"}, Use(use="output")),
    ],
)  # fmt: skip
def test_methods_are_told_apart(value: object, expected: ScalingMethod) -> None:
    assert parsed(value) == expected
    record = Holder.model_validate({"normalize": value}).model_dump(mode="json")
    assert Holder.model_validate(record).normalize == expected


ALLOWED = "allowed: asinh, minmax, quantile, robust, use"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"method": "minmx"}, f"normalize: unknown normalize method 'minmx'; {ALLOWED}; did you mean 'minmax'?"),
        ({"lower": 0.1}, f"normalize: the key 'method' is missing; {ALLOWED}"),
        ({"method": "quantile", "upper": 0}, "normalize.upper: got 0; expected more than lower, which is 0.01"),
        ({"method": "quantile", "upper": 1.5}, "normalize.upper: got 1.5; expected at most 1"),
        ({"method": "asinh", "cofactor": 0}, "normalize.cofactor: got 0; expected more than 0"),
        ({"method": "asinh", "cofactor": float("inf")}, "normalize.cofactor: got .inf; expected a finite number"),
        ({"method": "minmax", "lower": 0.1}, "normalize.lower: unknown key; allowed: group_by, region, method"),
        ({"method": "robust", "group_by": 3}, "normalize.group_by: got 3; expected a list: [3]"),
        ({"use": 3}, "normalize.use: got 3; expected text; put it in quotes: '3'"),
        ({"method": "use", "use": "o", "group_by": "well"}, "normalize.group_by: unknown key; allowed: method, use"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_the_words_of_the_file(value: dict[str, Any], message: str) -> None:
    data = {"normalize": value}
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate(data)
    assert explain(caught.value, data=data, model=Holder) == [message]


def test_names_that_exist_pass() -> None:
    for config in (Robust(group_by=("well",), region="cell"), MinMax(), Use(use="nowhere")):
        check_normalize(config, regions=["nucleus", "cell"], groups=["well", "site"])


def test_every_name_that_does_not_exist_is_told_with_the_nearest() -> None:
    wrong = Robust(group_by=("wall", "site", "plate"), region="cel")
    with pytest.raises(ConfigError) as caught:
        check_normalize(wrong, regions=["nucleus", "cell"], groups=["well", "site"])
    group = "which is no metadata of the images; allowed: well, site"
    region = "which is no mask or object that a cell has once; allowed: nucleus, cell"
    assert str(caught.value).splitlines() == [
        f"normalize.group_by: got 'wall', {group}; did you mean 'well'?",
        f"normalize.group_by: got 'plate', {group}",
        f"normalize.region: got 'cel', {region}; did you mean 'cell'?",
    ]


def test_every_key_says_what_it_is() -> None:
    assert all(field.description for config in scalings for field in config.model_fields.values())
    assert {config.model_fields["method"].default for config in scalings} == set(scalings.names)
    assert [config for config in scalings if not issubclass(config, Normalize)] == [Use]
