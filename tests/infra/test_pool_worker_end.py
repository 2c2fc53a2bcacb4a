"""A worker at the end of its life: its task is done, or begun anew elsewhere, and never counts as one that died."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import Client, Future, Scheduler
from distributed.deploy.spec import SpecCluster

from infra.pool_worker import OUTLASTING
from infra.running import DASK_SETTINGS

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).resolve().parents[2]


@contextmanager
def scheduler() -> Iterator[Client]:
    options = {"host": "127.0.0.1", "dashboard": False}
    with (
        dask.config.set(DASK_SETTINGS),  # one death would be enough to give a task up
        SpecCluster(scheduler={"cls": Scheduler, "options": options}) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@contextmanager
def worker(client: Client, *more: str) -> Iterator[None]:
    """Start one as a job does, and wait until it is there."""
    workers = len(client.scheduler_info(n_workers=-1)["workers"])
    address = client.scheduler_info()["address"]
    arguments = ["--nthreads", "1", "--resources", "CPU=1", "--worker-class", "infra.pool_worker.PoolWorker"]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-dashboard", *arguments, *more]
    process = subprocess.Popen(command, cwd=PROJECT, env=os.environ | {"PYTHONPATH": str(PROJECT)})
    try:
        client.wait_for_workers(workers + 1, timeout=60)
        yield
    finally:
        process.terminate()
        process.wait(30)


def submit(client: Client, log: Path, *, number: int, seconds: float) -> "Future[int]":
    """Have a task note its beginning and its end."""

    def work(path: str, number: int, seconds: float) -> int:
        with open(path, "a") as file:  # noqa: PTH123 - travels by value
            file.write(f"{number} begun\n")
        time.sleep(seconds)
        with open(path, "a") as file:  # noqa: PTH123
            file.write(f"{number} done\n")
        return os.getpid()

    return client.submit(work, str(log), number, seconds, resources={"CPU": 1}, pure=False)


def test_the_task_at_hand_is_done_once_and_those_that_wait_go_to_the_successor(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with scheduler() as client, worker(client, "--lifetime", "15 s", "--name", "old"):
        (old,) = client.run(os.getpid).values()
        futures = [submit(client, log, number=number, seconds=seconds) for number, seconds in [(0, 20.0), (1, 0.1)]]
        with worker(client):
            first, second = (future.result(timeout=60) for future in futures)
            assert first == old
            assert second != old
            # the one that waited was done before the worker that it waited for was free
            assert log.read_text().splitlines() == ["0 begun", "1 begun", "1 done", "0 done"]
            deadline = time.monotonic() + 20
            while len(client.scheduler_info(n_workers=-1)["workers"]) > 1 and time.monotonic() < deadline:
                time.sleep(0.1)
            (left,) = client.scheduler_info(n_workers=-1)["workers"].values()
            assert left["name"] != "old"


def test_a_task_that_lasts_too_long_is_begun_anew_and_told_of_as_no_death(tmp_path: Path) -> None:
    log = tmp_path / "log"
    events: list[Any] = []
    with scheduler() as client, worker(client, "--lifetime", "12 s", "--lifetime-stagger", "1 s"):
        client.subscribe_topic(OUTLASTING, events.append)
        (old,) = client.run(os.getpid).values()
        future = submit(client, log, number=0, seconds=20.0)
        with worker(client):
            assert future.result(timeout=90) != old  # neither KilledWorker nor an error of its own
    assert log.read_text().count("begun") == 2
    ((_, event),) = events
    assert event["task"].startswith("work")
    assert event["offer"] == {"CPU": 1}
    assert 0 < event["seconds"] < 14.6
