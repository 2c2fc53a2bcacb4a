"""A Prefect server and workers as an administrator starts them, and requests as its user interface makes them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).resolve().parents[3]
PREFECT = Path(sys.executable).with_name("prefect")
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}
PATIENCE = 1200.0
"""Seconds; a machine that does much else takes minutes to import Prefect."""

CONFIG = {
    "mask": {"methods": [{"method": "li"}], "main_channel": "c0"},
    "features": {"families": ["shape"]},
    "report": "off",
}
"""Of a small run of stamps."""


def wait_for(condition: Callable[[], Any], *, what: str, seconds: float = PATIENCE) -> Any:  # noqa: ANN401
    """Wait until a condition holds, and return what it gives."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(1)
    return found


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that answers.

    Parameters
    ----------
    home
        Of the server and all that talks to it.
    """

    api: str
    home: Path
    variables: Mapping[str, str] = field(repr=False)

    def request(self, method: str, path: str, **content: Any) -> Any:  # noqa: ANN401
        """Make a request, again and again while the server's database is busy, as clients do."""
        deadline = time.monotonic() + PATIENCE
        while True:
            response = httpx.request(method, f"{self.api}{path}", timeout=PATIENCE, **content)
            if response.status_code != 503 or time.monotonic() > deadline:
                break
            time.sleep(1)
        assert response.status_code < 300, f"{method} {path}: {response.status_code} {response.text[:500]}"
        return response.json() if response.content else None

    def post(self, path: str, **body: Any) -> Any:  # noqa: ANN401
        return self.request("POST", path, json=body)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command that talks to it."""
        ran = subprocess.run(
            command, cwd=PROJECT, env=self.variables, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert not check or ran.returncode == 0, (
            f"{command}: {ran.returncode}\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}"
        )
        return ran

    def set_up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``python -m infra.work_pools``."""
        return self.run(sys.executable, "-m", "infra.work_pools", *arguments)

    def deploy(self, file: Path) -> None:
        self.run(str(PREFECT), "--no-prompt", "deploy", "--all", "--prefect-file", str(file))

    def deployment(self, name: str) -> Any:  # noqa: ANN401
        return self.request("GET", f"/deployments/name/{name}")

    def start(self, name: str, **parameters: Any) -> str:  # noqa: ANN401
        """Start a run as the form does, and return its identity."""
        path = f"/deployments/{self.deployment(name)['id']}/create_flow_run"
        return str(self.post(path, state={"type": "SCHEDULED"}, parameters=parameters)["id"])

    def state(self, flow_run: str) -> Any:  # noqa: ANN401
        return self.request("GET", f"/flow_runs/{flow_run}")["state"]

    def end(self, flow_run: str) -> Any:  # noqa: ANN401
        """Wait until a flow run has ended, and return its state."""

        def ended() -> Any:  # noqa: ANN401
            state = self.state(flow_run)
            return state if state["type"] in ENDED else None

        return wait_for(ended, what=f"the end of flow run {flow_run}")

    def runs(self, **filters: Any) -> list[Any]:  # noqa: ANN401
        found: list[Any] = self.post("/flow_runs/filter", flow_runs=filters)
        return found

    def printed(self) -> str:
        """Return what workers printed, and the processes of flow runs through them."""
        return (self.home / "prefect-worker.log").read_text(encoding="utf-8")

    def log(self, flow_run: str) -> str:
        """Return the log of a flow run as the pages show it."""
        lines = self.post("/logs/filter", logs={"flow_run_id": {"any_": [flow_run]}}, sort="TIMESTAMP_ASC")
        return "\n".join(line["message"] for line in lines)


@contextmanager
def server(home: Path, *, host: str = "127.0.0.1") -> Iterator[Server]:
    """Start a server with all its services."""
    with socket.create_server((host, 0)) as free:
        port = free.getsockname()[1]
    api = f"http://{host}:{port}/api"
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    variables = own | {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": api,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": str(PROJECT),
    }
    with started(
        [str(PREFECT), "server", "start", "--host", host, "--port", str(port)], home=home, variables=variables
    ):
        yield_to = Server(api=api, home=home, variables=variables)
        wait_for(lambda: _answers(api), what="the server")
        yield yield_to


@contextmanager
def worker(to: Server, pool: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker of a pool."""
    command = [str(PREFECT), "worker", "start", "--pool", pool]
    with started(command, home=to.home, variables={**to.variables, **variables}) as process:
        yield process


@contextmanager
def started(command: Sequence[str], *, home: Path, variables: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process; at the end it is told to end, and what is left of its session is killed."""
    with (home / f"{Path(command[0]).name}-{command[1]}.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=home, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(api: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{api}/health", timeout=30).status_code == 200
    return False


def copy_of(file: str, folder: Path) -> Path:
    """Copy a file of deployments, as its head says."""
    return Path(shutil.copy(PROJECT / "deployments" / file, folder / "my-prefect.yaml"))
