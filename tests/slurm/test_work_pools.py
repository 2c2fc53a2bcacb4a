"""Flow runs of a work pool as jobs of a real Slurm: nothing heavy where the worker is, and a cancel reaches the job."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tasks.core.file_names import RUN
from tasks.core.storage import read_json
from tasks.ingest.example import write_example
from tests.infra.work_pools.server import CONFIG, Server, copy_of, server, wait_for, worker
from tests.slurm.rig import Slurm

pytestmark = pytest.mark.slurm


@pytest.fixture(scope="module")
def home(_running_slurm: Slurm) -> Iterator[Path]:
    """Folder of the worker that nodes see."""
    with _running_slurm.folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def prefect(_running_slurm: Slurm, home: Path) -> Iterator[Server]:
    """Start a server that nodes reach, and give it the pool and the deployments of a batch system."""
    pools: dict[str, dict[str, Any]] = {"cpu": {"cores": 2}, "later": {"directives": ["--begin=now+1hour"]}}
    cluster = _running_slurm.cluster_file(home, pools=pools)
    with server(home, host=_running_slurm.address) as running:
        running.set_up("hpc", "--up", "--cluster", str(cluster), "--folder", str(home))
        running.deploy(copy_of("hpc.yaml", home))
        yield running


def parameters(shared: Path, *, count: int) -> dict[str, Any]:
    return {
        "config": CONFIG,
        "inputs": [str(write_example(shared / "images", count=count))],
        "output": str(shared / "out"),
    }


def cancel(prefect: Server, flow_run: str) -> None:
    prefect.post(f"/flow_runs/{flow_run}/set_state", state={"type": "CANCELLING", "name": "Cancelling"})


def test_a_run_is_carried_out_on_a_node_and_the_worker_only_waits(slurm: Slurm, prefect: Server, shared: Path) -> None:
    commands: set[str] = set()
    with worker(prefect, "hpc") as process:
        flow_run = prefect.start("preprocess/hpc", **parameters(shared, count=12))
        while (state := prefect.state(flow_run))["type"] in {"SCHEDULED", "PENDING", "RUNNING"}:
            for child in psutil.Process(process.pid).children(recursive=True):
                try:
                    commands.add(" ".join(child.cmdline()))
                except psutil.Error:  # it has ended meanwhile
                    continue
            time.sleep(0.5)
        assert state["type"] == "COMPLETED", prefect.log(flow_run) + prefect.printed()
        wait_for(lambda: "Finished in state Completed" in prefect.printed(), what="what the job printed")
        wait_for(lambda: slurm.squeue() == [], what="an empty queue")
    if slurm.is_apart:
        assert read_json(shared / "out" / RUN)["host"] in {"c1", "c2"}
    assert any("infra.work_pools.job" in command for command in commands)
    assert [command for command in commands if "prefect.engine" in command or "multiprocessing" in command] == []
    assert "of slurm carries out this run, in pool cpu" in prefect.log(flow_run)


def test_a_cancel_ends_a_job_that_runs_and_one_that_waits(slurm: Slurm, prefect: Server, shared: Path) -> None:
    with worker(prefect, "hpc"):
        flow_run = prefect.start("preprocess/hpc", **parameters(shared, count=300))
        wait_for(lambda: prefect.state(flow_run)["type"] == "RUNNING", what="the flow run on a node")
        assert [job["partition"] for job in slurm.squeue()] == ["cpu"]
        cancel(prefect, flow_run)
        assert prefect.end(flow_run)["type"] == "CANCELLED", prefect.log(flow_run)
        wait_for(lambda: slurm.squeue() == [], what="an empty queue")

        path = f"/deployments/{prefect.deployment('preprocess/hpc')['id']}/create_flow_run"
        own = {"parameters": parameters(shared / "later", count=12), "job_variables": {"job_pool": "later"}}
        waits = str(prefect.post(path, state={"type": "SCHEDULED"}, **own)["id"])
        wait_for(lambda: [job["state"] for job in slurm.squeue()] == ["PENDING"], what="a job that waits")
        cancel(prefect, waits)
        assert prefect.end(waits)["type"] == "CANCELLED", prefect.log(waits)
        wait_for(lambda: slurm.squeue() == [], what="an empty queue")


def test_what_the_batch_system_says_is_in_the_log_of_the_run(
    slurm: Slurm, prefect: Server, home: Path, shared: Path
) -> None:
    slurm.cluster_file(home, pools={"cpu": {"queue": "nowhere"}})  # of the pool; no other test comes after this one
    with worker(prefect, "hpc"):
        flow_run = prefect.start("preprocess/hpc", **parameters(shared, count=12))
        assert prefect.end(flow_run)["type"] == "CRASHED"
    assert "the batch system rejects the job of pool cpu" in prefect.log(flow_run)
    assert "invalid partition specified: nowhere" in prefect.log(flow_run)
