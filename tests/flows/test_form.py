"""The run form: what Prefect's UI is told to draw, and what its API takes and refuses."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import polars as pl
import pytest
import yaml
from _pytest.mark.structures import ParameterSet
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import PrefectHTTPStatusError
from prefect.flow_engine import run_flow
from prefect.utilities.schema_tools import is_valid_schema, validate
from prefect.utilities.schema_tools.validation import build_error_obj

from flows.config import Config, parse_config
from flows.form.parameters import CONFIGS, chosen_config
from flows.form.schema import config_schema
from flows.preprocess import preprocess
from tasks.core.errors import ConfigError

PROJECT = Path(__file__).resolve().parents[2]

Schema = dict[str, Any]

CHANNELS = {"BF": 0, "DNA": 2}

STAMPS: dict[str, Any] = {
    "load": {"pattern": r"(?P<type>[^/]+)/cell_\d+\.tif$", "channels": CHANNELS},
    "mask": {"methods": ["li", {"method": "spot", "size": {"BF": 4}}], "main_channel": "BF"},
    "quality": {
        "rules": [{"metric": "sum", "channel": "BF", "threshold": {"method": "mad", "n": -3}, "group_by": "type"}]
    },
    "features": {"families": ["shape"]},
}
"""A configuration of stamps in its short form."""

FIELDS: dict[str, Any] = {
    "segment": {
        "objects": {
            "nucleus": {"method": "watershed", "channel": "DNA"},
            "cell": {"method": "expand", "from": "nucleus", "distance": 3},
        }
    },
    "illumination": {"method": "gaussian"},
    "load": {"channels": {"DNA": 0}},
}


def long_form(data: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration as run.json holds it: every key, null where there is nothing."""
    return parse_config(data).model_dump(mode="json", by_alias=True)


def errors_of(config: object) -> str:
    """Return what the API, and the form, has to say against a configuration; empty: nothing."""
    schema = preprocess.parameters.model_dump_for_openapi()
    errors = build_error_obj(validate({"config": config}, schema))["errors"]
    return json.dumps(errors) if errors else ""


def yaml_examples() -> Iterator[ParameterSet]:
    """Yield every configuration that comes with the program, and those of README.md."""
    for path in sorted(CONFIGS.glob("*.yaml")):
        yield pytest.param(yaml.safe_load(path.read_text()), id=path.stem)
    blocks = (PROJECT / "README.md").read_text().split("```yaml\n")[1:]
    for number, block in enumerate(blocks):
        yield pytest.param(yaml.safe_load(block.partition("```")[0]), id=f"README-{number}")


# What is admitted.


def test_prefect_takes_the_schema() -> None:
    is_valid_schema(preprocess.parameters.model_dump_for_openapi())


@pytest.mark.parametrize("config", list(yaml_examples()))
def test_examples_are_admitted_as_they_are_written_and_in_their_long_form(config: dict[str, Any]) -> None:
    parse_config(config)
    assert errors_of(config) == ""
    assert errors_of(long_form(config)) == ""


@pytest.mark.parametrize(
    "config",
    [
        STAMPS,
        FIELDS,
        STAMPS | {"mask": {"methods": "li", "main_channel": "BF", "border": False}},
        STAMPS | {"mask": {"methods": {"method": "otsu"}, "main_channel": "BF", "border": "off", "combine": "BF"}},
        STAMPS | {"mask": {"methods": {"a": "li", "b": {"method": "spot"}}, "main_channel": "BF"}},
        STAMPS | {"mask": {"methods": [{"method": "li", "sigma": 1}], "main_channel": "BF", "channel_filter": None}},
        STAMPS | {"normalize": {"use": "/runs/a"}, "quality": None, "export": {"formats": ["csv"]}},
        STAMPS | {"report": "off"},
        STAMPS | {"report": False},
        STAMPS | {"report": None},
        FIELDS
        | {"segment": {"objects": {"nucleus": {"method": "model", "channel": "DNA", "diameter": {"use": "/a"}}}}},
    ],
)
def test_short_forms_are_admitted_like_their_long_forms(config: dict[str, Any]) -> None:
    parse_config(config)
    assert errors_of(config) == ""
    assert errors_of(long_form(config)) == ""


@pytest.mark.parametrize(
    ("section", "value", "at", "words"),
    [
        ("mask", {"methods": ["li"]}, ["mask", "main_channel"], "required"),
        ("mask", {"methods": [], "main_channel": "BF", "bordr": 1}, ["mask"], "bordr"),
        ("mask", {"methods": ["lii"], "main_channel": "BF"}, ["mask", "methods", 0], "lii"),
        ("mask", {"methods": [{"method": "li", "sigma": -1}], "main_channel": "BF"}, ["sigma"], "minimum"),
        ("features", {"profile": "new"}, ["features", "profile"], "not one of"),
        ("quality", {"rules": [{"metric": "sum", "threshold": {"method": "quantile"}}]}, ["rules", 0, "q"], "required"),
        ("run", {"retries": "often"}, ["run", "retries"], "integer"),
        ("segment", {"objects": {"nucleus": {"method": "expand", "distance": 2}}}, ["objects", "nucleus", "from"], ""),
        ("report", "on", ["report"], "off"),
        ("mask", {"methods": ["li"], "main_channel": "off", "border": "on"}, ["mask", "border"], ""),
        ("segmnt", {}, [], "segmnt"),
    ],
)
def test_a_mistake_is_reported_at_its_field(section: str, value: object, at: list[str | int], words: str) -> None:
    said = errors_of({section: value})
    assert words in said
    place = -1
    for part in at:  # outer ones come first
        place = said.index(f'"index": {part}' if isinstance(part, int) else f'"property": "{part}"', place + 1)


# What is shown.

DRAWN = {"string", "integer", "number", "boolean", "array", "object"}


def properties(schema: Schema, path: str = "config") -> Iterator[tuple[str, Schema]]:
    """Yield every field that the form shows, with its path."""
    for key, field in schema.get("properties", {}).items():
        yield f"{path}.{key}", field
        yield from properties(field, f"{path}.{key}")
    for branch in schema.get("anyOf", []):
        yield from properties(branch, f"{path}[{branch['title']}]")
    if "items" in schema:
        yield from properties(schema["items"], f"{path}[]")


def test_every_field_tells_what_it_is() -> None:
    fields = dict(properties(config_schema()))
    assert len(fields) > 150
    assert [path for path, field in fields.items() if not field.get("title")] == []
    assert [path for path, field in fields.items() if not field.get("description")] == []
    texts = " ".join(field["description"] for field in fields.values())
    assert [words for words in ("As YAML", "Short form", ">>>") if words in texts] == []  # for files, and for programs


def test_every_field_is_one_that_the_form_can_draw() -> None:
    for path, field in properties(config_schema()):
        for part in (field, *([field["items"]] if "items" in field else [])):
            assert "anyOf" in part or part["type"] in DRAWN, path
            assert not {"oneOf", "$ref", "allOf"} & set(part), path
            assert part.get("type") != "object" or "anyOf" in part or part["properties"], path  # no mapping of anything
            titles = [branch["title"] for branch in part.get("anyOf", [])]
            assert len(set(titles) - {""}) == len(titles), path  # the tabs
            assert "position" in field, path  # PostgreSQL does not keep the order of keys


def test_only_what_cannot_be_a_field_is_left_to_files() -> None:
    shown = {path.rpartition(".")[2] for path, _ in properties(config_schema())}
    definitions = Config.model_json_schema()["$defs"]
    free = {"resources", "parameters"}  # mappings of any names
    for name in ("Load", "Mask", "Segment", "Quality", "Rule", "Features", "Export", "Run", "TimeLimit"):
        assert set(definitions[name]["properties"]) - free <= shown, name


def test_a_form_that_nobody_touched_says_nothing() -> None:
    """Sections have no defaults, which the UI would fill in, so that each may be left to a file."""
    assert all("default" not in section for section in config_schema()["properties"].values())
    assert errors_of({}) == ""


# A configuration by name.


def test_a_configuration_is_given_once(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(yaml.safe_dump(STAMPS))
    config = parse_config(STAMPS)
    assert chosen_config(None, str(file)) == chosen_config(config, "") == config
    assert chosen_config(None, "example").mask is not None
    with pytest.raises(ConfigError, match="give one of them"):
        chosen_config(config, "example")
    with pytest.raises(ConfigError, match="got no configuration"):
        chosen_config(None, "")
    with pytest.raises(ConfigError, match="did you mean 'example'"):
        chosen_config(None, "exampel")


# A real server.

Create = Callable[..., FlowRun]


@pytest.fixture(scope="module")
def deployment(prefect_api: str) -> Create:
    """Deploy the flow, and return what creates a run of it as the UI does."""
    del prefect_api
    identity = cast("UUID", cast("RunnerDeployment", preprocess.to_deployment("form")).apply())

    def create(**parameters: object) -> FlowRun:
        with get_client(sync_client=True) as client:
            return client.create_flow_run_from_deployment(identity, parameters=parameters)

    return create


def perform(run: FlowRun) -> State[Any]:
    """Do what a worker does once it has a run."""
    return cast("State[Any]", run_flow(cast("Flow[..., Any]", preprocess), flow_run=run, return_type="state"))


@pytest.mark.parametrize("form", ["short", "long", "file"])
def test_a_run_made_through_the_api_completes(deployment: Create, scheduler: str, tmp_path: Path, form: str) -> None:
    config = STAMPS | {"load": {"channels": CHANNELS}, "quality": None}
    if form == "file":
        (tmp_path / "my.yaml").write_text(yaml.safe_dump(config))
        given: dict[str, object] = {"config_file": str(tmp_path / "my.yaml")}
    else:
        given = {"config": config if form == "short" else long_form(config)}
    run = deployment(**given, output=str(tmp_path / "out"), cluster=scheduler, limit=6)
    state = perform(run)
    assert state.is_completed(), state.message
    recorded = json.loads((tmp_path / "out" / "run.json").read_text())
    assert parse_config(recorded["configuration"]) == parse_config(config)
    assert len(pl.read_parquet(tmp_path / "out" / "images.parquet")) == 6


def test_a_wrong_value_creates_no_run(deployment: Create) -> None:
    with pytest.raises(PrefectHTTPStatusError, match="main_channel") as refused:
        deployment(config={"mask": {"methods": ["li"]}})
    assert refused.value.response.status_code == 409
    with pytest.raises(PrefectHTTPStatusError, match="limit"):
        deployment(config_file="example", limit=-1)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "got no configuration"),
        ({"config": STAMPS | FIELDS}, "got both mask and segment"),
        ({"config_file": "exampel"}, "did you mean 'example'"),
        ({"config_file": "example", "config": STAMPS}, "give one of them"),
        ({"config": {"mask": {"methods": ["li"], "main_channel": "XY"}}}, "XY"),
    ],
)
def test_what_only_the_program_can_tell_fails_before_workers_start(
    deployment: Create, tmp_path: Path, parameters: dict[str, Any], message: str
) -> None:
    """The address has no scheduler: a run that got so far would say so."""
    run = deployment(**parameters, output=str(tmp_path / "out"), cluster="tcp://127.0.0.1:9")
    state = perform(run)
    assert state.is_failed()
    assert message in str(state.message)
    assert "Traceback" not in str(state.message)
