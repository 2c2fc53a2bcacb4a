"""The local Prefect server: for its run alone, kept alive on its database, gone with its parent without a trace."""

import base64
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from infra import api_server as module
from infra.api_server import Server, api_server
from infra.clusters.model import Batch
from tasks.core.errors import RunError

PROJECT = Path(__file__).resolve().parents[2]

PARENT = """
import time
from infra.api_server import api_server

with api_server() as server:
    print(server.certificate.parent, flush=True)
    print(server.wait(), flush=True)
    time.sleep(600)
"""


def wait_until(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def server_of(process: psutil.Process, *, home: Path) -> psutil.Process:
    """Find a server by its home: others of this process's tests may have one, too."""
    (server,) = [child for child in process.children() if str(home) in child.cmdline()]
    return server


def credentials(server: Server) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(server.secret.encode()).decode()}"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with api_server() as started:
        started.wait()
        yield started


@pytest.mark.slow
@pytest.mark.chaos
def test_server_serves_the_loopback_until_its_parent_is_gone_and_leaves_nothing() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=PROJECT, text=True, stdout=subprocess.PIPE)
    try:
        assert parent.stdout is not None
        home, url = Path(parent.stdout.readline().strip()), parent.stdout.readline().strip()
        server = server_of(psutil.Process(parent.pid), home=home)
        listening = [
            socket.laddr.ip for socket in server.net_connections("inet") if socket.status == psutil.CONN_LISTEN
        ]
        assert listening == ["127.0.0.1"]
        for folder in (home, home.parent):
            assert folder.stat().st_mode & 0o077 == 0
        assert (home / "prefect.db").is_file()

        assert os.getpgid(server.pid) != os.getpgid(parent.pid)  # a terminal's Ctrl-C does not reach it
        for number in (signal.SIGINT, signal.SIGTERM):
            server.send_signal(number)
        time.sleep(0.5)
        assert httpx.get(f"{url}/health").json() is True
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not server.is_running() and not home.parent.exists(), seconds=10)


@pytest.mark.slow
@pytest.mark.chaos
def test_a_server_that_is_killed_goes_on_where_it_was_and_requests_wait_for_it(server: Server) -> None:
    def post(path: str, **sent: str) -> httpx.Response:
        return httpx.post(f"{server.api}/{path}", json=sent, headers=credentials(server), timeout=120)

    flow = post("flows/", name="kept").json()["id"]
    process = server_of(psutil.Process(), home=server.certificate.parent)
    for kill in range(2):
        process.kill()
        process.wait()
        again = post("flows/", name="kept")  # the same flow, unless the database is another
        assert again.status_code == 200, kill
        assert again.json()["id"] == flow
        process = server_of(psutil.Process(), home=server.certificate.parent)


@pytest.mark.slow
def test_without_the_secret_nothing_is_told_and_no_command_line_shows_it(server: Server) -> None:
    for headers in ({}, {"Authorization": "Basic " + base64.b64encode(b"guess").decode()}):
        assert httpx.post(f"{server.api}/flow_runs/filter", json={}, headers=headers).status_code == 401
        assert httpx.get(f"{server.api}/admin/settings", headers=headers).status_code == 401
    assert httpx.post(f"{server.api}/flow_runs/filter", json={}, headers=credentials(server)).status_code == 200
    assert server.secret not in " ".join(server_of(psutil.Process(), home=server.certificate.parent).cmdline())
    for path in server.certificate.parent.rglob("*"):
        assert path.is_dir() or server.secret.encode() not in path.read_bytes()


def test_server_ends_with_the_block_and_leaves_nothing() -> None:
    before = set(psutil.Process().children())
    with api_server() as server:
        home = server.certificate.parent
        (process,) = set(psutil.Process().children()) - before
        assert home.is_dir()
    assert not process.is_running()
    assert not home.exists()


@pytest.mark.chaos
def test_a_server_that_dies_over_and_over_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEATHS", 2)
    monkeypatch.setattr(module, "COMMAND", ("-c", "import os; os.kill(os.getpid(), 9)"))
    errors: list[RunError] = []
    ended = threading.Event()

    def give_up(error: RunError) -> None:
        errors.append(error)
        ended.set()

    with api_server(give_up=give_up) as server:
        assert ended.wait(30)
        with pytest.raises(RunError, match="died 3 times within 300 s, the last time with status -9"):
            server.wait()
        with pytest.raises(httpx.ConnectError):  # nobody waits for it
            httpx.get(f"{server.api}/health")
    assert len(errors) == 1


def test_a_server_that_does_not_start_says_what_it_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND", ("-c", "import sys; sys.exit('no such table: flow_run')"))
    with api_server() as server, pytest.raises(RunError, match="did not start: no such table: flow_run"):
        server.wait()


def test_the_certificate_is_one_that_clients_can_load() -> None:
    with api_server() as server:
        context = ssl.create_default_context(cafile=str(server.certificate))
    assert context.cert_store_stats()["x509"] == 1


@pytest.mark.slow
def test_for_a_cluster_it_speaks_tls_and_its_certificates_go_with_it(tmp_path: Path) -> None:
    pools = ({"name": "cpu", "memory": "4 GB"},)
    batch = Batch.model_validate({"kind": "slurm", "interface": "lo", "folder": tmp_path / "shared", "pools": pools})
    with api_server(batch=batch) as server:
        url = server.wait()
        assert url.startswith("https://127.0.0.1:")
        assert server.certificate.is_relative_to(tmp_path / "shared")
        known = ssl.create_default_context(cafile=str(server.certificate))
        assert httpx.get(f"{url}/admin/version", headers=credentials(server), verify=known).is_success
        assert httpx.get(f"{url}/admin/version", verify=known).status_code == 401
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{url}/admin/version")
    assert not server.certificate.exists()
