"""The local Prefect server: reachable from this machine only, gone with its parent, and nothing of it left."""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from infra.api_server import Server, api_server
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


@pytest.mark.slow
@pytest.mark.chaos
def test_server_serves_the_loopback_until_its_parent_is_gone_and_leaves_nothing() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=PROJECT, text=True, stdout=subprocess.PIPE)
    try:
        assert parent.stdout is not None
        home, url = Path(parent.stdout.readline().strip()), parent.stdout.readline().strip()
        (server,) = psutil.Process(parent.pid).children()
        listening = [
            connection.laddr.ip
            for connection in server.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening == ["127.0.0.1"]
        assert home.stat().st_mode & 0o077 == 0
        assert (home / "prefect.db").is_file()

        assert os.getpgid(server.pid) != os.getpgid(parent.pid)  # a terminal's Ctrl-C does not reach it
        for number in (signal.SIGINT, signal.SIGTERM):
            server.send_signal(number)
        time.sleep(0.5)
        assert httpx.get(f"{url}/health").json() is True
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not server.is_running() and not home.exists(), seconds=10)


def test_server_ends_with_the_block_and_leaves_nothing() -> None:
    before = set(psutil.Process().children())
    with api_server() as server:
        home = server.certificate.parent
        (process,) = set(psutil.Process().children()) - before
        assert home.is_dir()
    assert not process.is_running()
    assert not home.exists()


def test_a_server_that_does_not_start_says_what_it_printed(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text("no such table: flow_run\n", encoding="utf-8")
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with pytest.raises(RunError, match="did not start: no such table: flow_run"):
        Server(process, url="http://127.0.0.1:9", home=tmp_path).wait()


def test_the_certificate_is_one_that_clients_can_load() -> None:
    with api_server() as server:
        context = ssl.create_default_context(cafile=str(server.certificate))
    assert context.cert_store_stats()["x509"] == 1
