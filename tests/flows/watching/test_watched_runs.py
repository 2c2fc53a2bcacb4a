"""What Prefect shows of whole runs, read back as its user interface reads it."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, FlowRunFilter, LogFilter
from prefect.client.schemas.objects import Artifact, FlowRun
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.config import Config, parse_config
from flows.preprocess import preprocess
from flows.watching import artifacts as module
from flows.watching.artifacts import Figure, kept_up_to_date, progress, publish_figures
from tasks.core.errors import ConfigError
from tasks.ingest.example import write_example
from tests.chaos.services import prefect_server

PROJECT = Path(__file__).resolve().parents[3]

SECTIONS: dict[str, Any] = {
    "load": {"pattern": r"(?P<kind>[^/]+)/cell_\d+\.tif$", "channels": {"BF": 0, "DNA": 2}},
    "mask": {"methods": ["li"], "main_channel": "BF"},
    "quality": {
        "rules": [{"name": "dim", "metric": "sum", "channel": "DNA", "threshold": {"method": "quantile", "q": 0.1}}]
    },
    "features": {"families": ["shape"]},
    "run": {"partition_size": 10, "max_quarantined": 0.2},
}


@pytest.fixture
def client(prefect_api: str) -> SyncPrefectClient:
    del prefect_api
    return get_client(sync_client=True)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start a server as users do: those that runs start themselves record no tasks."""
    with prefect_server(tmp_path / "server") as api:
        settings = {PREFECT_API_URL: api, PREFECT_API_AUTH_STRING: None}
        with temporary_settings(updates=settings):
            for name, value in {"API_URL": api, "LOGGING_LEVEL": "INFO", "HOME": str(tmp_path / "home")}.items():
                monkeypatch.setenv(f"PREFECT_{name}", value)
            monkeypatch.delenv("PREFECT_API_AUTH_STRING", raising=False)
            monkeypatch.setenv("PYTHONPATH", str(PROJECT))
            yield api


@pytest.fixture
def config() -> Config:
    return parse_config(SECTIONS)


@pytest.fixture
def stamps(tmp_path: Path) -> Path:
    """Write images, one of which is none."""
    folder = write_example(tmp_path, count=30, seed=4)
    sorted(folder.rglob("*.tif"))[12].write_bytes(b"not an image")
    return folder


def artifacts_of(run: FlowRun, client: SyncPrefectClient) -> dict[str, Artifact]:
    """Read a run's artifacts by their keys, once the API has them."""
    chosen = FlowRunFilter.model_validate({"id": {"any_": [run.id]}})
    read = client.read_artifacts(artifact_filter=ArtifactFilter(), flow_run_filter=chosen)
    assert len({each.key for each in read}) == len(read)
    return {str(each.key): each for each in read}


def runs(client: SyncPrefectClient, *, output: Path) -> list[FlowRun]:
    """Read all runs into a folder."""
    return [run for run in client.read_flow_runs(limit=200) if (run.parameters or {}).get("output") == str(output)]


def log_of(run: FlowRun, client: SyncPrefectClient, *, until: str) -> list[str]:
    """Read a run's own log, once a line has arrived that contains a text."""
    chosen = LogFilter.model_validate({"flow_run_id": {"any_": [run.id]}})
    deadline = time.monotonic() + 30
    while True:
        entries = client.read_logs(log_filter=chosen, limit=200)
        lines = [entry.message for entry in entries if entry.task_run_id is None]
        if any(until in line for line in lines) or time.monotonic() > deadline:
            return lines
        time.sleep(0.5)


def tasks_of(run: FlowRun, client: SyncPrefectClient, *, count: int) -> dict[str, str]:
    """Read the messages of a run's tasks by their names, once there are so many; Prefect records them afterwards."""
    chosen = FlowRunFilter.model_validate({"id": {"any_": [run.id]}})
    deadline = time.monotonic() + 30
    while True:
        read = client.read_task_runs(flow_run_filter=chosen, limit=200)
        ended = {each.name: str(each.state.message) for each in read if each.state and each.state.is_final()}
        if len(ended) >= count or time.monotonic() > deadline:
            return ended
        time.sleep(0.5)


def check_shown(run: FlowRun, client: SyncPrefectClient, *, stamps: Path) -> None:
    """Look at everything that is shown of a run whose images are `stamps`."""
    damaged = sorted(stamps.rglob("*.tif"))[12]
    assert re.fullmatch(rf".+/{stamps.name} → .+, \d{{4}}-\d\d-\d\d \d\d:\d\d", run.name)
    assert {"cluster:local", "mask:li"} <= set(run.tags)
    assert run.state is not None
    assert run.state.name == "Completed"
    counts = re.fullmatch(
        r"30 images \(1 quarantined\), 29 cells \((\d+) filtered\), (\d+) rows of \d+ features", str(run.state.message)
    )
    assert counts is not None
    filtered, kept = map(int, counts.groups())
    assert filtered + kept == 29

    shown = artifacts_of(run, client)
    names = {f"preprocess-{stage}" for stage in ("ingest", "mask", "quality-metrics", "features", "export")}
    assert names <= shown.keys()
    assert {shown[name].data for name in names} == {100.0}
    rows: Sequence[dict[str, Any]] = json.loads(str(shown["preprocess-partitions"].data))
    assert rows[0] | {"state": "done"} == {
        "partition": "all",
        "state": "done",
        "images": "1-30",
        "quarantined": 1,
        "cells": 29,
        "filtered": filtered,
    }
    assert {row["state"] for row in rows} == {"done"}
    assert sum(row["cells"] for row in rows[1:]) == 29
    assert "Where to look" in str(shown["preprocess-summary"].data)

    tasks = tasks_of(run, client, count=3 * (len(rows) - 1) + 2)
    for row in rows[1:]:
        assert "images" in tasks[f"mask images {row['images']}"]
        assert tasks[f"features images {row['images']}"].endswith(" rows")
    assert "quality survey images 1-30" in tasks
    (told,) = [message for message in tasks.values() if damaged.name in message]
    assert "1 quarantined" in told


@pytest.mark.slow
def test_a_run_that_is_started_as_the_interface_does_it_is_one_run_that_tells_all(
    server: str, config: Config, stamps: Path, tmp_path: Path
) -> None:
    del server
    client = get_client(sync_client=True)
    # Without a step of its own Prefect copies the project for every run, and its kernels would be compiled anew.
    here = {"prefect.deployments.steps.set_working_directory": {"directory": str(PROJECT)}}
    deployment = client.create_deployment(
        client.create_flow(preprocess), name="watched", entrypoint="flows/preprocess.py:preprocess", pull_steps=[here]
    )
    parameters = {
        "config": config.model_dump(mode="json", by_alias=True),
        "inputs": [str(stamps)],
        "output": str(tmp_path / "results"),
        "workers": 1,
    }
    run = client.create_flow_run_from_deployment(deployment, parameters=parameters, tags=["by hand"])
    done = command("-m", "prefect", "flow-run", "execute", run.id)  # as a worker of Prefect does
    assert done.returncode == 0, done.stdout + done.stderr
    (ended,) = client.read_flow_runs()
    assert ended.id == run.id
    check_shown(ended, client, stamps=stamps)
    assert "by hand" in ended.tags
    lines = log_of(ended, client, until="Finished in state")
    (quarantined,) = [line for line in lines if "quarantined" in line and ".tif" in line]
    assert re.match(r"mask, images \d+-\d+: quarantined \S+cell_\d+\.tif \(\w+: ", quarantined)
    for begin in ("mask: ", "features: ", "decided quality:dim: images above "):
        assert sum(line.startswith(begin) for line in lines) == 1, lines


@pytest.mark.slow
def test_a_run_by_the_command_is_shown_in_the_same_way(
    server: str, config: Config, stamps: Path, tmp_path: Path
) -> None:
    del server
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json", by_alias=True)), encoding="utf-8")
    options = ("--config", path, "--output", tmp_path / "results", "--workers", 1)
    done = command("-m", "flows.preprocess", stamps, *options)
    assert done.returncode == 0, done.stderr
    client = get_client(sync_client=True)
    (run,) = client.read_flow_runs()
    check_shown(run, client, stamps=stamps)


def command(*line: object) -> "subprocess.CompletedProcess[str]":
    """Run Python in the project's folder."""
    return subprocess.run(
        [sys.executable, *map(str, line)], cwd=PROJECT, capture_output=True, text=True, timeout=600, check=False
    )


def test_a_wrong_configuration_fails_the_run_with_its_text(
    client: SyncPrefectClient, stamps: Path, tmp_path: Path, scheduler: str
) -> None:
    wrong = parse_config(SECTIONS | {"mask": {"methods": ["li"], "main_channel": "PI"}})
    with pytest.raises(ConfigError, match="PI") as raised:
        preprocess(config=wrong, inputs=[str(stamps)], output=str(tmp_path / "results"), cluster=scheduler)
    (run,) = runs(client, output=tmp_path / "results")
    assert run.state is not None
    assert (run.state.name, run.state.message) == ("Failed", f"ConfigError: {raised.value}")


@pytest.mark.parametrize("fails", ["create_artifact", "update_artifact"])
def test_an_api_that_refuses_artifacts_stops_nothing_and_is_asked_again(
    client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.05)
    run = client.create_flow_run(preprocess)
    refused: list[str] = []
    original: Callable[..., Any] = getattr(SyncPrefectClient, fails)

    def refuse(self: SyncPrefectClient, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        if len(refused) < 2:
            refused.append(fails)
            raise OSError("the API is away")
        return original(self, *args, **options)

    monkeypatch.setattr(SyncPrefectClient, fails, refuse)
    percent = iter(range(1, 100))
    with kept_up_to_date(run, lambda: [progress("test-stage", percent=next(percent), description="a stage")]):
        deadline = time.monotonic() + 20
        while len(refused) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    last = artifacts_of(run, client)["test-stage"].data
    assert last == next(percent) - 1  # the block's end is shown, and there is one artifact all the while


def test_figures_become_pictures_of_the_run(client: SyncPrefectClient) -> None:
    run = client.create_flow_run(preprocess)
    png = bytes.fromhex("89504e470d0a1a0a")
    publish_figures(run, [Figure(name="map-of-cells", png=png, description="Each dot is a cell.")], prefix="preprocess")
    (shown,) = artifacts_of(run, client).values()
    assert (shown.key, shown.type, shown.description) == ("preprocess-map-of-cells", "image", "Each dot is a cell.")
    assert shown.data == "data:image/png;base64,iVBORw0KGgo="
