"""The configuration: files, layouts, records, and the form."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.utilities.callables import parameter_schema

from flows.config import Config, load_config, parse_config
from flows.preprocess import preprocess
from tasks.core.errors import ConfigError
from tasks.core.registry import Registry
from tasks.export.registry import exporters
from tasks.ingest.channels import Channels
from tasks.mask.registry import channel_filters, masks
from tasks.quality.registry import thresholds
from tasks.segment.registry import segmenters
from tests.flows.config_texts import FIELDS, ONE_WAY, STAMPS

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "deployments" / "configs").glob("*.yaml"))

NOT_YAML = {
    "mask: {methods: li, main_channel: BF}\nmask: {}\n": (
        "config.yaml is not YAML that can be read, line 2, column 1: the key 'mask' is given twice"
    ),
    "load:\n  channels: {BF: 0, PI: 1, BF: 2}\n": (
        "config.yaml is not YAML that can be read, line 2, column 28: the key 'BF' is given twice"
    ),
    "load:\n\treader: auto\n": (
        "config.yaml is not YAML that can be read, line 2, column 1: found character '\\t' that cannot start any "
        "token; indent with spaces, not with tabs"
    ),
    'load: {pattern: "sample(\\d+)"}\n': (
        "config.yaml is not YAML that can be read, line 1, column 26: found unknown escape character 'd'; put a "
        "pattern in single quotes: 'sample(?P<sample>\\d+)'"
    ),
    "load: reader: auto\n": (
        "config.yaml is not YAML that can be read, line 1, column 13: mapping values are not allowed here; a text that "
        "holds a colon and a blank needs quotes"
    ),
    "run: !!python/object/apply:os.system ['touch owned']\n": (
        "config.yaml is not YAML that can be read, line 1, column 6: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object/apply:os.system'; only plain text, numbers, lists and mappings are allowed"
    ),
    "{methods: [li\n": (
        "config.yaml is not YAML that can be read, line 2, column 1: expected ',' or ']', but got '<stream end>'"
    ),
    "just text": "config.yaml: expected sections such as `load:` and `mask:`, got 'just text'",
    "- mask\n- load\n": "config.yaml: expected sections such as `load:` and `mask:`, got [mask, load]",
}


@pytest.mark.parametrize("text", NOT_YAML)
def test_a_file_that_is_no_configuration_is_told_with_line_and_remedy(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config("config.yaml")
    assert str(caught.value) == NOT_YAML[text]
    assert not Path("owned").exists()


def test_mistakes_in_a_file_are_told_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text("")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value) == f"{path}:\n  top level: got neither mask nor segment; {ONE_WAY}"


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_bytes(b"\xff\xfe\x00m")
    expected = {
        "confg.yaml": "there is no configuration file 'confg.yaml'; did you mean 'config.yaml'?",
        "far/away.yaml": "there is no configuration file 'far/away.yaml'",
        ".": "the configuration '.' is a folder; give a YAML file",
        "config.yaml": "the configuration 'config.yaml' is no text file in UTF-8",
    }
    for name, message in expected.items():
        with pytest.raises(ConfigError) as caught:
            load_config(name)
        assert str(caught.value) == message


def test_anchors_and_merges_of_yaml_may_be_used(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "mask: {methods: li, main_channel: BF}\n"
        "quality:\n"
        "  - &dim {name: dim, metric: sum, channel: BF, threshold: {method: quantile, q: 0.1}}\n"
        "  - {<<: *dim, name: dim_pi, channel: PI}\n"
    )
    quality = load_config(path).quality
    assert quality is not None
    assert [(rule.name, rule.channel, rule.metric) for rule in quality.rules] == [
        ("dim", "BF", "sum"),
        ("dim_pi", "PI", "sum"),
    ]


def test_a_section_left_empty_has_its_defaults() -> None:
    assert parse_config(
        yaml.safe_load("load:\nmask: {methods: li, main_channel: BF}\nquality:\nfeatures:\nrun:\n")
    ) == (parse_config({"mask": {"methods": ["li"], "main_channel": "BF"}}))


def channels(*names: str) -> Channels:
    return Channels(names=names, sources=None, count=len(names))


def test_every_channel_region_and_group_that_does_not_exist_is_told_at_once() -> None:
    config = parse_config(yaml.safe_load(STAMPS))
    group = "which is no metadata of the images"
    with pytest.raises(ConfigError) as caught:
        config.layout(channels=channels("bf", "PI", "SSC"), groups=["wel"], numbered=False)
    assert str(caught.value).splitlines() == [
        "mask.main_channel: got 'BF', which is not a channel; allowed: bf, PI, SSC; did you mean 'bf'?",
        "mask.methods.1.sigma: got 'BF', which is not a channel; allowed: bf, PI, SSC; did you mean 'bf'?",
        "quality.rules.0.channel: got 'BF', which is not a channel; allowed: bf, PI, SSC; did you mean 'bf'?",
        f"quality.rules.0.group_by: got 'well', {group}; allowed: wel; did you mean 'wel'?",
    ]
    fields = parse_config(yaml.safe_load(FIELDS))
    with pytest.raises(ConfigError, match=r"^segment\.objects\.nucleus\.channel: got 'DAPI', which is no channel here"):
        fields.layout(channels=channels("DNA", "RFP"), groups=[], numbered=False)


def test_the_layout_lists_channels_and_regions_in_order() -> None:
    layout = parse_config(yaml.safe_load(STAMPS)).layout(channels=channels("BF", "PI"), groups=["well"], numbered=True)
    assert (layout.channels, layout.regions, layout.stamps) == (("BF", "PI"), ("li", "wide"), True)
    assert (layout.groups, layout.numbered) == (("well",), True)
    layout = parse_config(yaml.safe_load(FIELDS)).layout(channels=channels("RFP", "DAPI"), groups=[], numbered=False)
    assert (layout.regions, layout.stamps) == (("nucleus", "cell", "cytoplasm"), False)


def test_only_the_resources_of_stages_that_run_are_needed() -> None:
    stamps, fields = parse_config(yaml.safe_load(STAMPS)), parse_config(yaml.safe_load(FIELDS))
    assert set(stamps.needed_resources) == {"files", "mask", "quality", "features"}
    assert fields.needed_resources == {"files": {"CPU": 1}, "segment": "auto", "features": {"CPU": 1}}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configurations_that_come_with_the_program_survive_their_record(path: Path) -> None:
    config = load_config(path)
    record = config.model_dump(mode="json")
    assert parse_config(json.loads(json.dumps(record, allow_nan=False))) == config
    assert parse_config(config.model_dump(mode="json", by_alias=True)) == config
    assert parse_config(config.model_dump()) == config


def test_there_are_configurations_to_start_from() -> None:
    configs = [load_config(path) for path in CONFIGS]
    assert any(config.mask for config in configs)


@pytest.mark.parametrize("text", [STAMPS, FIELDS], ids=["stamps", "fields"])
def test_every_shorthand_survives_its_record(text: str) -> None:
    config = parse_config(yaml.safe_load(text))
    assert parse_config(json.loads(config.model_dump_json())) == config


def models(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every model in a JSON schema, wherever it stands."""
    if schema.get("type") == "object" and "properties" in schema:
        yield schema
    for value in schema.values():
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                yield from models(inner)


def test_every_field_of_the_form_is_described_and_no_union_is_discriminated() -> None:
    schema = Config.model_json_schema()
    titles = set()
    for model in models(schema):
        titles.add(model["title"])
        generic = "[" in model["title"]  # pydantic leaves out the docstring of PerChannel[float]
        assert model.get("description") or generic, f"{model['title']} needs a docstring"
        for name, field in model["properties"].items():
            # what a method is for stands in the description of its model, which is not repeated for a section either
            inherited = name == "method" or "$ref" in field
            assert field.get("description") or inherited, f"{model['title']}.{name} needs a description"
    assert "oneOf" not in json.dumps(schema)
    registries: list[Registry[Any, Any]] = [masks, channel_filters, segmenters, thresholds, exporters]
    assert titles >= {config.__name__ for registry in registries for config in registry}


def test_prefect_can_build_the_form() -> None:
    schema = parameter_schema(preprocess).model_dump()
    assert schema["required"] == []  # a configuration or a file of one, which the flow checks
    names = {"config", "config_file", "inputs", "output", "cluster", "workers", "limit"}
    assert set(schema["properties"]) == names
    assert "oneOf" not in json.dumps(schema)


@pytest.mark.parametrize(
    ("sections", "channels", "message"),
    [
        (
            {"features": {"profile": "scip", "families": ["raw"]}},
            ("DNA",),
            "'raw' is measured on stamps that have masks",
        ),
        ({"features": {"names": "cytominer"}, "second": "nuclei"}, ("DNA",), "Nuclei"),
    ],
)
def test_columns_that_cannot_be_named_are_refused_before_anything_is_computed(
    sections: dict[str, Any], channels: tuple[str, ...], message: str
) -> None:
    objects: dict[str, Any] = {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 20}}
    if second := sections.pop("second", None):
        objects[second] = {"method": "seeded_watershed", "channel": "DNA", "seeds": "nucleus"}
    config = parse_config({"segment": {"objects": objects}, **sections})
    with pytest.raises(ConfigError, match=message):
        config.layout(channels=Channels(names=channels, sources=None, count=len(channels)), groups=(), numbered=False)
