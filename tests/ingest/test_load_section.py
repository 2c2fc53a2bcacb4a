"""The section ``load`` of the configuration."""

import pytest
from pydantic import ValidationError

from tasks.ingest.config import ChannelSource, Load


def test_the_short_form_of_channels_is_the_list_of_named_entries() -> None:
    short = Load.model_validate({"channels": {"BF": 0, "PI": "Ch4"}})
    assert short.channels == (ChannelSource(name="BF", source=0), ChannelSource(name="PI", source="Ch4"))
    assert Load.model_validate(short.model_dump()) == short


@pytest.mark.parametrize("nothing", [{}, {"channels": None}, {"channels": {}}, {"channels": []}])
def test_no_channels_means_all(nothing: dict[str, object]) -> None:
    assert Load.model_validate(nothing).channels == ()


def test_a_digit_in_quotes_stays_text() -> None:
    assert Load.model_validate({"channels": {"DNA": "0"}}).channels[0].source == "0"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"reader": "multiframe_tif"}, "did you mean 'multiframe_tiff'"),
        ({"pattern": "(?P<well>"}, "is not a regular expression"),
        ({"pattern": "(?P<a__b>x)"}, "'__' separates"),
        ({"pattern": "(?P<object>x)"}, "would overwrite the column meta__object"),
        ({"channels": {"a__b": 0}}, "'__' separates"),
        ({"channels": {"BF": -1}}, "expected an index from 0 on"),
        ({"channels": {"BF": True}}, "expected an index from 0 on"),
        ({"channels": {"BF": ""}}, "expected an index from 0 on"),
        ({"channels": [{"name": "BF", "source": 0}, {"name": "BF", "source": 1}]}, "two channels are called 'BF'"),
        ({"channels": {"BF": {"source": 0, "colour": "grey"}}}, "colour"),
        ({"reader": "tiff_per_channel"}, "there is no pattern"),
        ({"reader": "tiff_per_channel", "pattern": "(?P<well>x)"}, "needs a pattern with a group 'channel'"),
        ({"patern": "x"}, "patern"),
    ],
)
def test_errors_say_what_is_wrong(section: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        Load.model_validate(section)
    assert message in str(error.value)


def test_every_field_is_described_in_the_form() -> None:
    schema = Load.model_json_schema()
    fields = [*schema["properties"].values(), *schema["$defs"]["ChannelSource"]["properties"].values()]
    assert all(field["description"] for field in fields)


def test_groups_keep_the_order_of_the_pattern() -> None:
    assert Load(pattern=r"(?P<well>[A-Z]\d+)_(?P<channel>\d)_(?P<site>\d)").groups == ("well", "channel", "site")
    assert Load().groups == ()
