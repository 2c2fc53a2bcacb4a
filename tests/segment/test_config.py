"""What the section ``segment`` accepts, and what it says when it does not."""

from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from tasks.core.errors import ConfigError
from tasks.segment import SeededWatershed, Segment, Subtract, Watershed, check_channels

YAML = """
border: keep
objects:
  nucleus:   {method: watershed, channel: DAPI, sigma: 1.0, diameter: 20}
  cell:      {method: seeded_watershed, channel: RFP, seeds: nucleus}
  cytoplasm: {method: subtract, from: cell, remove: nucleus}
"""
NUCLEUS = {"method": "watershed", "channel": "DAPI"}
CELL = {"method": "seeded_watershed", "channel": "RFP", "seeds": "nucleus"}
SPOTS = {"spots": {"method": "watershed", "channel": "FISH", "within": "nucleus"}}
CYTOPLASM = {"method": "subtract", "from": "cell", "remove": "nucleus"}


def refusal(objects: Any, **others: Any) -> str:  # noqa: ANN401 - whatever a user may write
    with pytest.raises(ValidationError) as caught:
        Segment.model_validate({"objects": objects, **others})
    return str(caught.value)


def test_yaml_of_the_contract_is_read() -> None:
    config = Segment.model_validate(yaml.safe_load(YAML))
    assert config.names == ("nucleus", "cell", "cytoplasm")
    nucleus, cell, cytoplasm = config.objects
    assert isinstance(nucleus, Watershed)
    assert isinstance(cell, SeededWatershed)
    assert isinstance(cytoplasm, Subtract)
    assert (nucleus.diameter, cell.seeds, cytoplasm.from_, cytoplasm.remove) == (20.0, "nucleus", "cell", "nucleus")
    assert (config.border, config.device) == ("keep", "auto")


def test_mapping_list_of_entries_and_record_are_the_same() -> None:
    mapping = Segment.model_validate({"objects": {"nucleus": NUCLEUS, "cell": CELL}})
    entries = Segment.model_validate({"objects": [{"name": "nucleus", **NUCLEUS}, {"name": "cell", **CELL}]})
    assert mapping == entries
    config = Segment.model_validate(yaml.safe_load(YAML))
    record = config.model_dump(mode="json")
    assert record["objects"][2]["from"] == "cell"
    assert Segment.model_validate(record) == config


def test_every_field_has_a_description_in_the_form() -> None:
    schema = TypeAdapter(Segment).json_schema()
    sections = [schema, *schema["$defs"].values()] if "$defs" in schema else [schema]
    sections += schema["properties"]["objects"]["items"]["anyOf"]
    described = [
        field for section in sections for name, field in section.get("properties", {}).items() if name != "method"
    ]
    assert len(described) > 20
    assert all(field.get("description") for field in described)


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ({"nucleus": {"method": "watersheds", "channel": "DAPI"}}, ["'watersheds'", "did you mean 'watershed'?"]),
        ({"nucleus": {"method": "watershed"}}, ["channel", "Field required"]),
        ({"nucleus": {**NUCLEUS, "diametre": 20}}, ["diametre"]),
        ({"nucleus": {**NUCLEUS, "diameter": 0}}, ["diameter", "greater than 0"]),
        ({"nucleus": {**NUCLEUS, "min_diameter": 30}}, ["min_diameter 30", "diameter 20", "ascend"]),
        ({"nucleus": {**NUCLEUS, "threshold": "lee"}}, ["threshold", "'li'"]),
        ({}, ["at least 1"]),
        ({"nucleus": NUCLEUS, "cell": {**CELL, "seeds": "nuclei"}}, ["objects.cell.seeds", "did you mean 'nucleus'?"]),
        ({"nucleus": NUCLEUS, "cytoplasm": CYTOPLASM, "cell": CELL}, ["objects.cytoplasm.from: got 'cell'", "earlier"]),
        ({"nucleus": NUCLEUS, "cell": {**CELL, "seeds": "cell"}}, ["objects.cell.seeds: got 'cell'", "earlier"]),
        ({"cell": CELL, "nucleus": NUCLEUS}, ["objects.cell.seeds", "first object", "methods: ", "watershed)"]),
        ({"nucleus": NUCLEUS, "spots": NUCLEUS}, ["objects.spots: watershed", "add within: nucleus", "derives"]),
        ({"nucleus": NUCLEUS, "spots": {"method": "labels", "files": "{stem}.png"}}, ["in each cell, match: nucleus"]),
        ({"nucleus": {**NUCLEUS, "within": "cell"}}, ["objects.nucleus.within: got 'cell'", "first object", "leave"]),
        ({"nucleus": NUCLEUS, "cell": {**CELL, "within": "nucleus"}}, ["objects.cell.within", "one object; leave it"]),
        ({"nucleus": NUCLEUS, "spots": {**NUCLEUS, "within": "nuclei"}}, ["spots.within", "did you mean 'nucleus'?"]),
        ({"nucleus": NUCLEUS, **SPOTS, "cell": {**CELL, "seeds": "spots"}}, ["cell.seeds: got 'spots'", "several"]),
        ({"nucleus": NUCLEUS, **SPOTS, "dots": {**NUCLEUS, "within": "spots"}}, ["dots.within", "several", "nucleus"]),
        ([{"name": "nucleus", **NUCLEUS}, {"name": "nucleus", **SPOTS["spots"]}], ["two objects are named 'nucleus'"]),
        ([{"name": "a", **NUCLEUS}, {"name": "a", **CELL, "seeds": "a"}], ["two objects are named 'a'"]),
        ({"my__nucleus": NUCLEUS}, ["'my__nucleus'", "'__'"]),
        ({"_nucleus": NUCLEUS}, ["'_nucleus'"]),
        ({"nucleus.dim": NUCLEUS}, ["'nucleus.dim'", "'.'"]),
        ([NUCLEUS], ["name", "Field required"]),
    ],
)
def test_mistakes_are_named(objects: Any, words: list[str]) -> None:  # noqa: ANN401
    message = refusal(objects)
    assert all(word in message for word in words), message


def test_unknown_border_and_device_are_refused() -> None:
    assert "'drop', 'primary' or 'keep'" in refusal({"nucleus": NUCLEUS}, border="cut")
    assert "'auto', 'cpu' or 'gpu'" in refusal({"nucleus": NUCLEUS}, device="tpu")


def test_unknown_channel_names_key_and_nearest_channel() -> None:
    config = Segment.model_validate({"objects": {"nucleus": NUCLEUS, "cell": {**CELL, "channel": "RPF"}}})
    with pytest.raises(ConfigError) as caught:
        check_channels(config, ("DAPI", "GFP", "RFP"))
    assert str(caught.value).startswith("segment.objects.cell.channel: got 'RPF'")
    assert "did you mean 'RFP'?" in str(caught.value)
    check_channels(config, ("DAPI", "RPF"))
