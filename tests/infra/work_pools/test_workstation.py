"""The ways in of a workstation, on a real server with a real worker: by hand, by schedule, by a watched folder."""

import os
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks.ingest.example import write_example
from tests.infra.work_pools.server import CONFIG, Server, copy_of, server, started, wait_for, worker

pytestmark = pytest.mark.slow

SILENCE = 90
"""Seconds: three of the shortest heartbeats."""


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a server, and give it the pool and the deployments of a workstation."""
    home = tmp_path_factory.mktemp("prefect")
    with server(home) as running:
        running.set_up("workstation", "--up", "--folder", str(home), "--silence", str(SILENCE))
        running.deploy(copy_of("prefect.yaml", home))
        yield running


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a few stamps."""
    return write_example(tmp_path_factory.mktemp("images"), count=12)


@pytest.fixture
def parameters(images: Path) -> dict[str, Any]:
    return {"config": CONFIG, "inputs": [str(images)], "output": "out", "workers": 1}


def deployed(prefect: Server, name: str) -> list[Any]:
    """Flow runs of a deployment, the earliest first."""
    own = {"any_": [prefect.deployment(name)["id"]]}
    return sorted(prefect.runs(deployment_id=own), key=lambda run: str(run["expected_start_time"]))


def test_what_is_set_up_is_brought_up_to_date_and_removed_and_nothing_else(prefect: Server) -> None:
    prefect.post("/work_pools/", name="theirs", type="process")
    arguments = ["workstation", "--up", "--name", "second", "--limit", "3"]
    assert "second is made" in prefect.set_up(*arguments).stdout
    assert "second is up to date" in prefect.set_up(*arguments[:-1], "2").stdout
    assert prefect.request("GET", "/work_pools/second")["concurrency_limit"] == 2
    command = [sys.executable, "-m", "infra.work_pools", "workstation", "--name", "theirs"]
    for action in ("--up", "--down"):
        refused = prefect.run(*command, action, check=False)
        assert refused.returncode == 2
        assert "was not made by this command" in refused.stderr
    assert "second is removed" in prefect.set_up("workstation", "--down", "--name", "second").stdout
    assert "there is no work pool second" in prefect.set_up("workstation", "--down", "--name", "second").stdout
    pools = {pool["name"] for pool in prefect.post("/work_pools/filter")}
    assert {"workstation", "theirs"} <= pools
    assert len(prefect.post("/automations/filter")) == 1  # of the pool that is left


def test_a_run_by_hand_one_by_schedule_and_one_by_a_watched_folder_complete(
    prefect: Server, images: Path, parameters: dict[str, Any]
) -> None:
    with worker(prefect, "workstation"):
        flow_run = prefect.start("preprocess/workstation", **parameters)
        state = prefect.end(flow_run)
        assert state["type"] == "COMPLETED", prefect.log(flow_run)
        assert len(list((prefect.home / "out" / "features").glob("*.parquet"))) == 1  # relative to the pool's folder

        nightly = prefect.deployment("preprocess/nightly")["id"]
        assert deployed(prefect, "preprocess/nightly") == []
        every_minute = {"interval": 60, "anchor_date": datetime.now(UTC).isoformat()}
        body = [{"schedule": every_minute, "active": True, "parameters": parameters, "max_scheduled_runs": 1}]
        (schedule,) = prefect.request("POST", f"/deployments/{nightly}/schedules", json=body)
        first = wait_for(lambda: deployed(prefect, "preprocess/nightly"), what="a scheduled run")[0]
        assert prefect.end(first["id"])["type"] == "COMPLETED", prefect.log(first["id"])
        prefect.request("DELETE", f"/deployments/{nightly}/schedules/{schedule['id']}")

        watched, results = prefect.home / "watched", prefect.home / "results"
        (watched / "monday").mkdir(parents=True)
        for path in images.rglob("*.tif"):
            os.link(path, watched / "monday" / f"{path.parent.name}-{path.name}")
        given = prefect.home / "parameters.yaml"
        given.write_text(yaml.safe_dump({"config": CONFIG, "workers": 1}))
        watch = [sys.executable, "-m", "infra.watch_folder", str(watched), "--deployment", "preprocess/workstation"]
        watch += ["--output", str(results), "--marker", "done.txt", "--parameters", str(given), "--once"]
        assert prefect.run(*watch).stdout == ""
        (watched / "monday" / "done.txt").touch()
        assert "monday is complete" in prefect.run(*watch).stdout
        assert prefect.run(*watch).stdout == ""
        (results / "watch_folder.json").unlink()  # even so the server knows
        prefect.run(*watch)
        (run,) = prefect.runs(tags={"all_": ["watch-folder"]})
        assert prefect.end(run["id"])["type"] == "COMPLETED", prefect.log(run["id"])
        assert len(list((results / "monday" / "features").glob("*.parquet"))) == 1


def test_a_watch_outlasts_a_server_that_is_away(prefect: Server, tmp_path: Path) -> None:
    (tmp_path / "in" / "a").mkdir(parents=True)
    (tmp_path / "in" / "a" / "done.txt").touch()
    watch = ["-m", "infra.watch_folder", str(tmp_path / "in"), "--deployment", "preprocess/workstation"]
    watch += ["--output", str(tmp_path / "out"), "--marker", "done.txt", "--once"]
    nobody = {**prefect.variables, "PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_CLIENT_MAX_RETRIES": "0"}
    away = Server(api="", home=prefect.home, variables=nobody).run(sys.executable, *watch)
    assert "waiting: " in away.stdout
    unknown = [part.replace("preprocess/workstation", "preprocess/nowhere") for part in watch]
    refused = prefect.run(sys.executable, *unknown[:-3], "--marker", "done.txt", "--once", check=False)
    assert refused.returncode == 2


def test_a_run_of_the_command_line_that_is_killed_is_marked_as_crashed(prefect: Server, images: Path) -> None:
    command = [sys.executable, "-m", "flows.preprocess", str(images), "--workers", "1", "--output", "killed"]
    file = prefect.home / "config.yaml"
    file.write_text(yaml.safe_dump(CONFIG | {"features": {"families": ["shape", "granularity"]}}))
    variables = {**prefect.variables, "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
    known = {run["id"] for run in prefect.runs()}
    with started([*command, "--config", str(file)], home=prefect.home, variables=variables) as process:
        (run,) = wait_for(
            lambda: [run for run in prefect.runs(state={"type": {"any_": ["RUNNING"]}}) if run["id"] not in known],
            what="a flow run",
        )
        beats = {
            "event": {"name": ["prefect.flow-run.heartbeat"]},
            "resource": {"id": [f"prefect.flow-run.{run['id']}"]},
        }
        wait_for(lambda: prefect.post("/events/filter", filter=beats)["events"], what="a heartbeat")
        assert prefect.state(run["id"])["type"] == "RUNNING"
        os.killpg(process.pid, signal.SIGKILL)
    state = prefect.end(run["id"])
    assert (state["type"], state["message"]) == (
        "CRASHED",
        f"no heartbeat for {SILENCE} s: its process, or the machine, is gone",
    )
