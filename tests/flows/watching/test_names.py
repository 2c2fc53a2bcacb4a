"""How runs are called, and which tags they carry."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.flow_engine import run_flow
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.config import parse_config
from flows.watching.names import flow_run_name, run_name, run_tags, tag_flow_run

AT = datetime(2026, 11, 28, 22, 5).astimezone()


@pytest.mark.parametrize(
    ("inputs", "output", "limit", "name"),
    [
        ([], "./output", None, "the example → output, 2026-11-28 22:05"),
        (["/data/2026/plate 7/"], "/results/plate 7", None, "2026/plate 7 → results/plate 7, 2026-11-28 22:05"),
        (["a/*.tif", "b", "c"], "out", 500, "500 of a/*.tif and 2 more → out, 2026-11-28 22:05"),
        ([f"/{'x' * 80}/y"], "/", None, f"…{'x' * 57}/y → /, 2026-11-28 22:05"),
    ],
)
def test_a_name_tells_input_output_and_date(inputs: Sequence[str], output: str, limit: int | None, name: str) -> None:
    assert run_name(inputs=inputs, output=output, limit=limit, at=AT) == name


@pytest.mark.parametrize(
    ("cluster", "sections", "tags"),
    [
        (
            "local",
            {"mask": {"methods": ["li", "otsu"], "main_channel": "BF"}},
            ["cluster:local", "mask:li", "mask:otsu"],
        ),
        (
            "clusters/my-slurm.yaml",
            {
                "load": {"pattern": r"(?P<plate>p\d)_(?P<well>w\d)"},
                "segment": {
                    "objects": {
                        "nucleus": {"method": "watershed", "channel": "DNA"},
                        "cell": {"method": "seeded_watershed", "channel": "actin", "seeds": "nucleus"},
                        "body": {"method": "seeded_watershed", "channel": "actin", "seeds": "nucleus"},
                    }
                },
                "quality": {
                    "rules": [
                        {
                            "metric": "sum",
                            "channel": "DNA",
                            "threshold": {"method": "mad", "n": 3},
                            "group_by": ["plate"],
                        }
                    ]
                },
                "normalize": {"method": "quantile", "group_by": ["plate"]},
            },
            ["cluster:my-slurm", "segment:watershed", "segment:seeded_watershed", "group:plate"],
        ),
        ("tls://host:8786", {"mask": {"methods": ["li"], "main_channel": "BF"}}, ["cluster:host:8786", "mask:li"]),
    ],
)
def test_tags_tell_cluster_methods_and_groups_each_once(
    cluster: str, sections: dict[str, Any], tags: list[str]
) -> None:
    assert run_tags(parse_config(sections), cluster=cluster) == tags


@pytest.fixture
def client(prefect_api: str) -> SyncPrefectClient:
    del prefect_api
    return get_client(sync_client=True)


@flow(flow_run_name=flow_run_name, persist_result=False)
def named(inputs: list[str], output: str) -> None:
    """Do nothing, under a name."""


@pytest.mark.parametrize(("given", "kept"), [("amber-cow", False), ("Amber-Cow", False), ("Plate 7, second try", True)])
def test_a_name_that_was_made_up_is_replaced_and_one_that_was_given_stays(
    client: SyncPrefectClient,
    given: str,
    kept: bool,  # noqa: FBT001
) -> None:
    run = client.create_flow_run(named, parameters={"inputs": ["in"], "output": "out"}, name=given)
    run_flow(named, flow_run=run, parameters={"inputs": ["in"], "output": "out"})
    name = client.read_flow_run(run.id).name
    assert name == given if kept else name.startswith("in → out, 20")


def test_tags_are_added_to_those_that_a_run_has(client: SyncPrefectClient) -> None:
    run = client.create_flow_run(named, parameters={"inputs": ["in"], "output": "out"}, tags=["nightly"])
    tag_flow_run(run, ["cluster:local", "nightly"])
    assert sorted(client.read_flow_run(run.id).tags) == ["cluster:local", "nightly"]


def test_an_api_that_is_gone_keeps_no_run_from_going_on() -> None:
    run = FlowRun(id=UUID(int=1), flow_id=UUID(int=2))
    with temporary_settings(updates={PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        tag_flow_run(run, ["cluster:local"])
