"""A worker at the end of its life: its task is done, or begun anew elsewhere, and never counts as one that died."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import Client, Future, Nanny, Scheduler
from distributed.deploy.spec import SpecCluster

from infra.lasting_worker import LastingWorker
from infra.running import DASK_SETTINGS

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).resolve().parents[2]
LIFETIME = 4.0


@contextmanager
def succession(*, grace: float) -> Iterator[tuple[Client, SpecCluster]]:
    """Start a worker whose life is short."""
    environment = os.environ | {"DASK_SCIP_FLOWS__GRACE": str(grace), "PYTHONPATH": str(PROJECT)}
    options = {"nthreads": 1, "host": "127.0.0.1", "resources": {"CPU": 1}, "worker_class": LastingWorker}
    specification: dict[str, Any] = {"cls": Nanny, "options": options | {"env": environment}}
    short = specification | {"options": specification["options"] | {"lifetime": f"{LIFETIME} s"}}
    scheduler = {"cls": Scheduler, "options": {"host": "127.0.0.1", "dashboard": False}}
    with (
        dask.config.set(DASK_SETTINGS),  # one death would be enough to give a task up
        SpecCluster(workers={"old": short}, scheduler=scheduler) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        cluster.new_spec = specification
        yield client, cluster


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
    with succession(grace=60) as (client, cluster):
        futures = [submit(client, log, number=number, seconds=seconds) for number, seconds in [(0, 8.0), (1, 0.1)]]
        cluster.scale(2)
        first, second = (future.result(timeout=60) for future in futures)
        assert first != second
        # the one that waited was done before the worker that it waited for was free
        assert log.read_text().splitlines() == ["0 begun", "1 begun", "1 done", "0 done"]
        deadline = time.monotonic() + 20
        while len(client.scheduler_info(n_workers=-1)["workers"]) > 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert [worker["name"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()] != ["old"]


@pytest.mark.parametrize("grace", [0, 1])
def test_a_task_that_outlasts_grace_is_begun_anew_and_no_death_is_told(tmp_path: Path, grace: float) -> None:
    log = tmp_path / "log"
    with succession(grace=grace) as (client, cluster):
        future = submit(client, log, number=0, seconds=8.0)
        old = next(iter(client.run(os.getpid).values()))
        cluster.scale(2)
        assert future.result(timeout=60) != old  # neither KilledWorker nor an error of its own
        assert log.read_text().count("begun") == 2
