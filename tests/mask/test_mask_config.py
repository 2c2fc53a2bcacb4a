"""The section ``mask``: shorthands, names, and the words of its errors."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from tasks.core.digest import digest
from tasks.core.errors import ConfigError
from tasks.core.per_channel import PerChannel
from tasks.core.types import Batch, BoolArray, Ragged
from tasks.mask import Circle, Li, Mask, MaskMethod, NormalTest, check_channels, masks
from tasks.mask.methods.li import SIGMA


def config(**fields: Any) -> Mask:  # noqa: ANN401 - as read from a file
    return Mask.model_validate({"methods": ["li"], "main_channel": "BF"} | fields)


def errors(**fields: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - as read from a file
    with pytest.raises(ValidationError) as caught:
        config(**fields)
    return [(".".join(map(str, error["loc"])), error["msg"]) for error in caught.value.errors()]


@pytest.mark.parametrize(
    "methods",
    [
        "li", ["li"], {"method": "li"}, [{"method": "li"}], [{"method": "li", "name": None}],
        [{"method": "li", "name": ""}], {"li": "li"}, {"li": {"method": "li"}}, [Li()],
    ],
)  # fmt: skip
def test_every_spelling_of_one_method_is_the_same(methods: object) -> None:
    assert config(methods=methods).methods == (Li(name="li"),)


def test_several_masks_are_named_by_method_or_by_name() -> None:
    several = config(methods=["li", "circle", {"method": "li", "name": "wide_li", "sigma": 2}])
    assert [method.name for method in several.methods] == ["li", "circle", "wide_li"]
    assert [type(method) for method in several.methods] == [Li, Circle, Li]


@pytest.mark.parametrize("value", ["normaltest", ["normaltest"], {"method": "normaltest"}, [{"method": "normaltest"}]])
def test_every_spelling_of_one_channel_filter_is_the_same(value: object) -> None:
    assert config(channel_filter=value).channel_filter == (NormalTest(p=0.05, channels=None),)


def test_the_border_rule_is_the_published_one_unless_set() -> None:
    assert config().border_share == 0.25
    assert config(border=0).border_share == 0
    # YAML reads off as false
    assert config(border="off") == config(border=False)
    assert config(border=False).border_share is None
    for value in (True, -0.1, "on", float("nan"), float("inf")):
        assert all(place.startswith("border") for place, _ in errors(border=value))


def test_no_channel_filter_may_be_told_as_null_and_a_single_channel_needs_no_list() -> None:
    assert config(channel_filter=None).channel_filter == ()
    single = config(combine="BF", channel_filter={"method": "normaltest", "channels": "PI"})
    assert single.combine == ("BF",)
    assert single.channel_filter[0].channels == ("PI",)


def test_the_recorded_form_reads_back_as_the_same_with_the_same_digest() -> None:
    full = config(
        methods=["circle", {"method": "li", "sigma": {"PI": 0}}], combine=["PI"], channel_filter=["normaltest"]
    )
    again = Mask.model_validate(full.model_dump(mode="json"))
    assert again == full
    assert digest(again) == digest(full)


def test_the_digest_tells_parameters_apart() -> None:
    sigmas: list[object] = [0.5, 0.6, {"PI": 0.6}, {"BF": 0.6}]
    digests = {digest(config(methods=[{"method": "li", "sigma": sigma}])) for sigma in sigmas}
    assert len(digests) == len(sigmas)


def test_an_unknown_method_or_channel_filter_is_told_with_the_nearest() -> None:
    expected = "unknown mask method 'circel'; allowed: circle, file, li, otsu, spot, watershed; did you mean 'circle'?"
    assert errors(methods=["circel"]) == [("methods.0", expected)]
    ((key, message),) = errors(channel_filter=["normal_test"])
    assert key == "channel_filter.0"
    assert message.endswith("allowed: normaltest, std, value_range; did you mean 'normaltest'?")


@pytest.mark.parametrize(
    ("fields", "key", "words"),
    [
        ({"methods": [{"method": "li", "sgima": 1}]}, "methods.0.sgima", "Extra inputs"),
        ({"methods": [{"method": "circle", "sigma": 1}]}, "methods.0.sigma", "Extra inputs"),
        ({"methods": [{"method": "li", "name": "a__b"}]}, "methods.0.name", "'__' separates"),
        ({"methods": [{"method": "li", "name": "_a"}]}, "methods.0.name", "start or end with '_'"),
        ({"methods": [{"method": "li", "name": "a.b"}]}, "methods.0.name", "may not contain '.'"),
        ({"methods": [{"method": "li", "name": "raw"}]}, "methods.0.name", "unmasked frame"),
        ({"methods": {"a__b": "li"}}, "methods.0.name", "'__' separates"),
        ({"methods": ["li", {"method": "li", "sigma": 2}]}, "methods", "two masks have the name 'li'"),
        ({"methods": []}, "methods", "at least one method; allowed: circle, file, li, otsu, spot, watershed"),
        ({"methods": [3]}, "methods.0", "got 3, expected"),
        ({"combine": []}, "combine", "at least one channel"),
        ({"channel_filter": [{"method": "normaltest", "p": 0}]}, "channel_filter.0.p", "greater than 0"),
        ({"channel_filter": [{"method": "normaltest", "p": 1.5}]}, "channel_filter.0.p", "less than or equal to 1"),
        ({"channel_filter": [{"method": "normaltest", "channels": []}]}, "channel_filter.0.channels", "at least one"),
        ({"borders": 3}, "borders", "Extra inputs"),
    ],
)
def test_an_error_names_its_key_once(fields: dict[str, object], key: str, words: str) -> None:
    ((got, message),) = errors(**fields)
    assert got == key
    assert words in message


def test_the_main_channel_must_be_told_and_a_configuration_is_frozen() -> None:
    with pytest.raises(ValidationError, match="main_channel"):
        Mask.model_validate({"methods": ["li"]})
    with pytest.raises(ValidationError, match="frozen"):
        config().main_channel = "PI"  # type: ignore[misc]


def test_channels_that_are_there_pass() -> None:
    filters = [{"method": "normaltest", "channels": ["BF"]}]
    methods = [{"method": "li", "sigma": {"PI": 0}}]
    check_channels(config(methods=methods, combine=["PI", "BF"], channel_filter=filters), ["BF", "PI"])


def test_every_channel_that_is_not_there_is_told_under_its_key() -> None:
    wrong = config(
        main_channel="Bf",
        methods=["circle", {"method": "li", "sigma": {"BF": 0, "P1": 1}}],
        combine=["BF", "XYZ"],
        channel_filter=["normaltest", {"method": "normaltest", "channels": ["PI", "SCC"]}],
    )
    with pytest.raises(ConfigError) as caught:
        check_channels(wrong, ["BF", "PI", "SSC"])
    allowed = "which is not a channel; allowed: BF, PI, SSC"
    assert str(caught.value).splitlines() == [
        f"mask.main_channel: got 'Bf', {allowed}; did you mean 'BF'?",
        f"mask.combine: got 'XYZ', {allowed}",
        f"mask.methods.1.sigma: got 'P1', {allowed}; did you mean 'PI'?",
        f"mask.channel_filter.1.channels: got 'SCC', {allowed}; did you mean 'SSC'?",
    ]


class Everything(MaskMethod):
    """A mask method of another package."""

    method: Literal["everything"] = "everything"


@pytest.fixture
def plugged_in() -> Iterator[None]:
    @masks.register(Everything)
    def everything(batch: Batch, config: Everything) -> Ragged:
        del config
        full: BoolArray = batch.pixels.flat == batch.pixels.flat
        return Ragged(flat=full, shapes=batch.pixels.shapes, n_channels=batch.pixels.n_channels)

    yield
    del masks._parts["everything"]


@pytest.mark.usefixtures("plugged_in")
def test_a_registered_method_is_known_by_name_and_shown_in_the_schema() -> None:
    assert config(methods=["everything"]).methods == (Everything(),)
    schemas = Mask.model_json_schema()["properties"]["methods"]["items"]["anyOf"]
    titles = [schema["title"] for schema in schemas]
    assert titles == ["Circle", "Everything", "File", "Li", "Otsu", "Spot", "Watershed"]


def sigma(value: object) -> PerChannel[float]:
    return Li.model_validate({"sigma": value}).sigma


@pytest.mark.parametrize(
    ("value", "expected", "names"),
    [
        (2, {"BF": 2.0, "PI": 2.0}, ()), ({"BF": 0, "PI": 3}, {"BF": 0.0, "PI": 3.0, "SSC": SIGMA}, ("BF", "PI")),
        ({"default": 4, "PI": 3}, {"BF": 4.0, "PI": 3.0}, ("PI",)), ({"channels": 3}, {"channels": 3.0}, ("channels",)),
        ({"channels": [{"name": "PI", "value": 3}]}, {"BF": SIGMA, "PI": 3.0}, ("PI",)), ({}, {"BF": SIGMA}, ()),
    ],
)  # fmt: skip
def test_a_parameter_holds_for_all_channels_or_differs(
    value: object, expected: dict[str, float], names: tuple[str, ...]
) -> None:
    config = Li.model_validate({"sigma": value})
    assert {channel: config.sigma.of(channel) for channel in expected} == expected
    assert config.sigma.names == names
    assert Li.model_validate(config.model_dump(mode="json")) == config
    assert Li.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    "value", [-1, "wide", float("nan"), float("inf"), 101, None, {"BF": -1}, {"BF": "wide"}, [1, 2]]
)
def test_values_out_of_bounds_are_refused_under_the_key(value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        sigma(value)
    assert {error["loc"][0] for error in caught.value.errors()} == {"sigma"}


def test_two_values_for_one_channel_are_refused_and_left_out_it_is_the_default() -> None:
    assert Li().sigma.of("BF") == SIGMA
    with pytest.raises(ValidationError, match="two values for the channel 'PI'"):
        sigma({"channels": [{"name": "PI", "value": 3}, {"name": "PI", "value": 4}]})


def test_forms_show_a_short_title() -> None:
    titles = {part["title"] for part in Li.model_json_schema()["$defs"].values()}
    assert titles == {"ChannelValue[float]", "PerChannel[float]"}
