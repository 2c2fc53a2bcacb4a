"""A run that is cancelled through Prefect ends, and the next run closes what a dead one left Running."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from uuid import UUID

import psutil
import pytest
from prefect import task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.exceptions import CancelledRun
from prefect.states import Cancelled, Cancelling, Completed, Running

from flows.config import Config, parse_config
from flows.engine import flow_run as module
from flows.engine.flow_run import FlowRunPlace, close_predecessor
from flows.preprocess import preprocess
from tasks.core.file_names import RUN
from tasks.core.storage import read_json, write_json
from tasks.ingest.example import write_example

pytestmark = pytest.mark.slow


@pytest.fixture
def client(prefect_api: str) -> SyncPrefectClient:
    del prefect_api
    return get_client(sync_client=True)


@pytest.fixture
def config() -> Config:
    return parse_config(
        {
            "load": {"channels": {"BF": 0, "DNA": 2}},
            "mask": {"methods": ["li"], "main_channel": "BF"},
            "features": {"families": ["shape"]},
            "run": {"partition_size": 1},
        }
    )


@pytest.mark.chaos
@pytest.mark.parametrize("state", [Cancelling, Cancelled], ids=["interface", "api"])
def test_a_cancel_ends_a_flow_that_no_terminal_started(
    state: type,
    tmp_path: Path,
    scheduler: str,
    client: SyncPrefectClient,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.2)
    stamps = write_example(tmp_path, count=60, seed=2)
    results = tmp_path / "results"

    def cancel() -> None:
        while not list(results.glob("work/mask/[!.]*")):
            time.sleep(0.05)
        client.set_flow_run_state(read_json(results / RUN)["flow_run"], state(), force=state is Cancelled)

    thread = Thread(target=cancel)
    thread.start()
    with pytest.raises(CancelledRun):
        preprocess(config=config, inputs=[str(stamps)], output=str(results), cluster=scheduler)
    thread.join()
    record = read_json(results / RUN)
    assert record["status"] == "cancelled"
    assert record["error"] == {"type": "Stopped", "message": "cancelled through Prefect"}
    ended = client.read_flow_run(record["flow_run"]).state
    assert ended is not None
    assert ended.is_cancelled()

    done = len(list(results.glob("work/mask/[!.]*")))
    assert 0 < done < 60
    summary = preprocess(config=config, inputs=[str(stamps)], output=str(results), cluster=scheduler)
    assert summary.stages["mask"].cached >= done - 2  # a result without its descriptor is made again
    assert read_json(results / RUN)["status"] == "done"


def dead_run(output: Path, *, client: SyncPrefectClient, **changed: object) -> str:
    """Leave what a killed process leaves: a record that says running, and a flow run that says Running."""
    run = client.create_flow_run(preprocess, state=Running())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    place = FlowRunPlace.of(run).model_copy(update={"process": ended.pid})
    write_json(output / RUN, place.model_dump(mode="json") | {"status": "running"} | changed)
    return str(run.id)


def state_of(run: str, *, client: SyncPrefectClient) -> str:
    (read,) = client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run])))
    return read.state_name or ""


def test_the_next_run_closes_what_its_dead_predecessor_left_running(tmp_path: Path, client: SyncPrefectClient) -> None:
    run = dead_run(tmp_path, client=client)
    close_predecessor(tmp_path)
    assert state_of(run, client=client) == "Crashed"
    state = client.read_flow_run(UUID(run)).state
    assert state is not None
    assert "ended without telling" in str(state.message)

    cancelled = dead_run(tmp_path, client=client, status="cancelled")
    close_predecessor(tmp_path)
    assert state_of(cancelled, client=client) == "Cancelled"


def test_tasks_of_a_dead_flow_run_are_closed_with_it(tmp_path: Path, client: SyncPrefectClient) -> None:
    @task
    def endless() -> None: ...

    run = dead_run(tmp_path, client=client)
    ran = client.create_task_run(endless, flow_run_id=UUID(run), dynamic_key="0", state=Running())
    over = client.create_task_run(endless, flow_run_id=UUID(run), dynamic_key="1", state=Completed())
    (tmp_path / "other").mkdir()
    other = client.create_task_run(
        endless, flow_run_id=UUID(dead_run(tmp_path / "other", client=client)), dynamic_key="0", state=Running()
    )
    close_predecessor(tmp_path)
    assert [client.read_task_run(each.id).state_name for each in (ran, over, other)] == [
        "Crashed",
        "Completed",
        "Running",
    ]


def test_a_flow_run_whose_process_may_live_is_left(tmp_path: Path, client: SyncPrefectClient) -> None:
    living = psutil.Process(os.getppid())
    for changed in (
        {"host": "elsewhere"},
        {"process": living.pid, "process_started": living.create_time()},
        {"api": "http://127.0.0.1:9/api"},
        {"status": "done"},
    ):
        run = dead_run(tmp_path, client=client, **changed)
        close_predecessor(tmp_path)
        assert state_of(run, client=client) == "Running", changed


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"flow_run": "x", "status": "running"})])
def test_a_record_that_tells_of_no_flow_run_is_passed_over(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("flows.engine.flow_run.quick_client", lambda: asked.append("the API"))
    (tmp_path / RUN).write_text(text, encoding="utf-8")
    close_predecessor(tmp_path)
    assert asked == []
    assert (tmp_path / RUN).read_text(encoding="utf-8") == text
