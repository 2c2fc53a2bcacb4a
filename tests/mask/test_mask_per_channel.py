"""Parameters that may differ between channels."""

import pytest
from pydantic import ValidationError

from tasks.mask import Li, PerChannel
from tasks.mask.methods.li import SIGMA


def sigma(value: object) -> PerChannel[float]:
    return Li.model_validate({"sigma": value}).sigma


def test_one_number_holds_for_every_channel() -> None:
    assert [sigma(2).of(channel) for channel in ("BF", "PI")] == [2.0, 2.0]


def test_channels_that_are_not_listed_keep_the_default() -> None:
    value = sigma({"BF": 0, "PI": 3})
    assert (value.of("BF"), value.of("PI"), value.of("SSC")) == (0.0, 3.0, SIGMA)
    assert value.names == ("BF", "PI")


def test_the_default_may_be_told_beside_the_channels() -> None:
    value = sigma({"default": 4, "PI": 3})
    assert (value.of("BF"), value.of("PI"), value.names) == (4.0, 3.0, ("PI",))


def test_a_channel_may_be_called_channels() -> None:
    assert sigma({"channels": 3}).of("channels") == 3.0


def test_left_out_it_is_the_default() -> None:
    assert Li().sigma.of("BF") == SIGMA


@pytest.mark.parametrize("value", [2, {"BF": 0}, {"default": 1, "BF": 0}])
def test_the_recorded_form_reads_back_as_the_same(value: object) -> None:
    config = Li.model_validate({"sigma": value})
    assert Li.model_validate(config.model_dump(mode="json")) == config
    assert Li.model_validate_json(config.model_dump_json()) == config


def test_a_list_of_channels_without_a_default_keeps_the_default() -> None:
    assert sigma({"channels": [{"name": "PI", "value": 3}]}).of("BF") == SIGMA


@pytest.mark.parametrize(
    "value", [-1, "wide", float("nan"), float("inf"), 101, None, {"BF": -1}, {"BF": "wide"}, [1, 2]]
)
def test_values_out_of_bounds_are_refused_under_the_key(value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        sigma(value)
    assert {error["loc"][0] for error in caught.value.errors()} == {"sigma"}


def test_two_values_for_one_channel_are_refused() -> None:
    with pytest.raises(ValidationError, match="two values for the channel 'PI'"):
        sigma({"channels": [{"name": "PI", "value": 3}, {"name": "PI", "value": 4}]})


def test_forms_show_a_short_title() -> None:
    titles = {part["title"] for part in Li.model_json_schema()["$defs"].values()}
    assert titles == {"ChannelValue[float]", "PerChannel[float]"}
