"""What users start themselves, and runs find there: a Dask scheduler with workers, and a Prefect server."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import httpx
import psutil
from distributed import Client

from tests.chaos.processes import MARK, end_orphans

PROJECT = Path(__file__).resolve().parents[2]

WORKERS = 2

START_SECONDS = 240.0


def environment(folder: Path, *, mark: str) -> dict[str, str]:
    """Make an environment in which Prefect's home and temporary files lie in a folder; what it starts bears a mark."""
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "DASK_"))}
    return inherited | {
        "PYTHONPATH": str(PROJECT),
        "PREFECT_HOME": str(folder / "prefect"),
        "TMPDIR": str(folder / "tmp"),
        MARK: mark,
    }


def free_port() -> int:
    """Ask the system for a port that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class DaskCluster:
    """A scheduler and two workers, each with a nanny, in processes of their own on the loopback.

    Parameters
    ----------
    folder
        Gets their logs and temporary files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._mark = str(folder)
        self._environment = environment(folder, mark=self._mark)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def address(self) -> str:
        """The scheduler's address, the same after it was started again."""
        return f"tcp://127.0.0.1:{self._port}"

    @property
    def scheduler(self) -> psutil.Process:
        """The scheduler's process."""
        return psutil.Process(self._processes["scheduler"].pid)

    @property
    def nannies(self) -> list[psutil.Process]:
        """The processes that watch a worker each."""
        return [psutil.Process(self._processes[name].pid) for name in self._names]

    @property
    def _names(self) -> list[str]:
        return [f"worker-{number}" for number in range(WORKERS)]

    def reap(self, pid: int) -> None:
        """Wait for the end of one of its processes, which was killed."""
        (process,) = [process for process in self._processes.values() if process.pid == pid]
        process.wait()

    def restore(self) -> None:
        """Start what has ended, and wait until all workers have joined; those that do not are started anew."""
        self._start("scheduler", "--port", str(self._port), "--no-dashboard")
        for seconds in (START_SECONDS / 3, START_SECONDS):
            for name in self._names:
                arguments = ["--nthreads", "1", "--resources", "CPU=1", "--no-dashboard", "--name", name]
                self._start("worker", self.address, *arguments, name=name)
            with suppress(OSError), Client(self.address, timeout=START_SECONDS, set_as_default=False) as client:
                client.wait_for_workers(WORKERS, timeout=seconds)
                return
            for name in self._names:
                self._end(name)
        raise RuntimeError(f"no workers have joined {self.address}; see {self._folder}")

    def _start(self, command: str, *arguments: str, name: str = "scheduler") -> None:
        process = self._processes.get(name)
        if process is not None and process.poll() is None:
            return
        line = [sys.executable, "-m", "dask", command, *arguments, "--host", "127.0.0.1"]
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                line, cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _end(self, name: str) -> None:
        self._processes[name].kill()
        self._processes[name].wait()

    def close(self) -> None:
        """End all of its processes."""
        for name in self._processes:
            self._end(name)
        end_orphans([self._mark])


@contextmanager
def dask_cluster(folder: Path) -> Iterator[DaskCluster]:
    """Start a cluster, and end it."""
    cluster = DaskCluster(folder)
    try:
        cluster.restore()
        yield cluster
    finally:
        cluster.close()


@contextmanager
def prefect_server(folder: Path, *, ui: bool = False) -> Iterator[str]:
    """Start a Prefect server that stays, as users do; yield the address of its API. Its UI lies beside that."""
    port = free_port()
    own = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    own |= {
        "PREFECT_SERVER_UI_ENABLED": str(ui).lower(),
        "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
    }
    line = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    variables: Mapping[str, str] = environment(folder, mark=str(folder)) | own
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            line, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        api = f"http://127.0.0.1:{port}/api"
        deadline = time.monotonic() + START_SECONDS
        while not _answers(api):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the Prefect server does not answer; see {folder / 'server.log'}")
            time.sleep(0.2)
        yield api
    finally:
        process.kill()
        process.wait()
        end_orphans([str(folder)], seconds=0)


def _answers(api: str) -> bool:
    try:
        return httpx.get(f"{api}/health", timeout=5).is_success
    except httpx.HTTPError:
        return False


def open_flow_runs(api: str, *, since: datetime) -> int:
    """Count the flow runs that were begun since a moment and have not come to an end."""
    states = {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING", "PAUSED"]}}
    chosen = {"state": states, "expected_start_time": {"after_": since.isoformat()}}
    response = httpx.post(f"{api}/flow_runs/count", json={"flow_runs": chosen}, timeout=30)
    return int(response.raise_for_status().json())
