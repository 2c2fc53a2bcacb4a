"""Runs from a terminal or a batch system: exit statuses, what is shown, and what a stopped run leaves."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import polars as pl
import psutil
import pytest
from polars.testing import assert_frame_equal
from prefect.client.orchestration import get_client
from prefect.states import Cancelling

from flows.config import load_config
from flows.preprocess import preprocess
from tasks.ingest.example import write_example

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]

CONFIG = """
load: {channels: {BF: 0, DNA: 2}}
mask: {methods: [li], main_channel: BF}
features: {families: [shape]}
run: {partition_size: 6}
"""

KILLED = """
load: {channels: {BF: 0, DNA: 2, CD45: 3}}
mask: {methods: [li], main_channel: BF}
quality: {rules: [{metric: sum, channel: DNA, threshold: {method: quantile, q: 0.1}}]}
report: off
run: {partition_size: 4}
"""

SERVER = "starting a local Prefect server"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with images and a configuration, in which the command is given."""
    write_example(tmp_path, count=36, seed=2)
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


COMMAND = [sys.executable, "-m", "flows.preprocess", "example", "--config", "config.yaml", "--output", "results"]


def environment(*, api: str | None) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    paths = {"PYTHONPATH": str(PROJECT), "PREFECT_HOME": "prefect"}
    secret = os.environ.get("PREFECT_API_AUTH_STRING", "")  # of the fixture's server
    return inherited | paths | ({} if api is None else {"PREFECT_API_URL": api, "PREFECT_API_AUTH_STRING": secret})


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let processes started from here be interrupted, even if this one was started with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def start(folder: Path, *, api: str | None, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        COMMAND,
        cwd=folder,
        env=environment(api=api) | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(folder: Path, stage: str) -> int:
    results = folder / "results" / "work" / stage
    return sum(not path.name.startswith(".") for path in results.iterdir()) if results.is_dir() else 0


def wait_until(condition: Callable[[], object], *, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 240
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def record(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / "results" / "run.json").read_text(encoding="utf-8")))


def flow_run_state(folder: Path) -> tuple[str, str | None]:
    """Return state and message of the last run, as Prefect has them."""
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(UUID(str(record(folder)["flow_run"]))).state
    assert state is not None
    return state.type.value, state.message


def screen(sent: str) -> list[str]:
    """Draw what was sent to a terminal; of its controls only those that bars use."""
    lines, row, column = [""], 0, 0
    for piece in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|[^\x1b]", sent):
        if piece == "\r":
            column = 0
        elif piece == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece == "\x1b[2K":
            lines[row] = ""
        elif piece == "\x1b[1A":
            row -= 1
        elif not piece.startswith("\x1b"):
            lines[row] = lines[row].ljust(column)[:column] + piece + lines[row][column + 1 :]
            column += 1
        else:
            assert re.fullmatch(r"\x1b\[([\d;]*m|\?25[hl])", piece), piece
    return [line.rstrip() for line in lines]


def run_on_terminal(folder: Path, *, api: str) -> tuple[int, list[str]]:
    """Run the command as a user sees it, and return its exit status and the screen."""
    here, there = pty.openpty()
    options = {"COLUMNS": "80", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        COMMAND, cwd=folder, env=environment(api=api) | options, stdin=there, stdout=there, stderr=there
    )
    os.close(there)
    sent = b""
    while True:
        try:
            read = os.read(here, 65536)
        except OSError:  # Linux, when the last process has closed the other end
            break
        if not read:
            break
        sent += read
    os.close(here)
    return process.wait(timeout=60), screen(sent.decode())


@pytest.mark.chaos
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_everything_and_the_same_command_goes_on_from_there(folder: Path, prefect_api: str) -> None:
    process = start(folder, api=None)
    wait_until(lambda: finished(folder, "mask") >= 2, process=process)
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 3, "expected a server and two workers"
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, which sends it to workers, too
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert errors.splitlines()[0] == SERVER
    assert errors.splitlines()[-1].startswith("stopped; what is finished is kept")
    assert "Traceback" not in errors
    assert len(errors.splitlines()) < 20
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
    assert record(folder)["status"] == "cancelled"
    cached = finished(folder, "mask")
    assert cached >= 2

    status, lines = run_on_terminal(folder, api=prefect_api)
    output = "\n".join(lines)
    assert status == 0, output
    assert SERVER not in output
    assert record(folder)["status"] == "done"
    for stage, total in {"ingest": 1, "mask": 7, "features": 7, "export": 1}.items():
        (bar,) = [line for line in lines if re.match(rf"{stage}\s+━", line)]
        assert f"{total}/{total}" in bar
        assert len(bar) <= 80
    (counts,) = [line.split() for line in lines if re.match(r"\s+mask\s+\d", line)]
    assert counts[1:3] == [str(7 - cached), str(cached)]
    assert re.search(r"^features\s+results/features$", output, flags=re.MULTILINE)


@pytest.mark.chaos
def test_a_batch_systems_signal_to_every_process_ends_the_run(folder: Path, prefect_api: str) -> None:
    process = start(folder, api=prefect_api)
    wait_until(lambda: finished(folder, "mask") >= 1, process=process)
    family = psutil.Process(process.pid).children(recursive=True)
    for member in [*family, psutil.Process(process.pid)]:
        member.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 143, errors
    assert "Traceback" not in errors
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
    assert record(folder)["status"] == "cancelled"
    assert "Ctrl-C again" not in errors
    assert flow_run_state(folder) == ("CANCELLED", "stopped by SIGTERM, which batch systems send")


@pytest.mark.chaos
def test_a_cancel_through_prefect_ends_a_run_that_a_terminal_started(tmp_path: Path, prefect_api: str) -> None:
    folder = tmp_path
    write_example(folder, count=400, seed=2)
    small = CONFIG.replace("partition_size: 6", "partition_size: 2")  # so many tasks that the run outlasts a look
    (folder / "config.yaml").write_text(small, encoding="utf-8")
    process = start(folder, api=prefect_api)
    wait_until(lambda: finished(folder, "mask") >= 1, process=process)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(str(record(folder)["flow_run"]), Cancelling())
    begin = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - begin < 20  # 10 s where the machine is not shared
    assert process.returncode == 130, errors
    assert "ending: cancelled through Prefect" in errors
    assert "Traceback" not in errors
    assert record(folder)["status"] == "cancelled"
    assert flow_run_state(folder) == ("CANCELLED", "cancelled through Prefect")


@pytest.mark.chaos
def test_the_run_goes_on_whichever_process_of_it_is_killed_and_leaves_nothing(tmp_path: Path, scheduler: str) -> None:
    write_example(tmp_path, count=60, seed=5)
    (tmp_path / "config.yaml").write_text(KILLED, encoding="utf-8")
    (tmp_path / "tmp").mkdir()
    process = start(tmp_path, api=None, TMPDIR=str(tmp_path / "tmp"))

    def children(name: str) -> list[psutil.Process]:
        return [child for child in psutil.Process(process.pid).children() if name in " ".join(child.cmdline())]

    def workers() -> list[psutil.Process]:
        return [worker for server in children("forkserver") for worker in server.children()]

    def kill_server() -> None:
        (server,) = children("infra.api_server")
        server.kill()

    wait_until(workers, process=process)
    for worker in workers():  # while the cluster starts
        worker.kill()
    kill_server()
    wait_until(lambda: finished(tmp_path, "mask") >= 2, process=process)
    for server in children("forkserver"):
        server.kill()
    wait_until(lambda: finished(tmp_path, "features") >= 3, process=process)
    kill_server()
    family = psutil.Process(process.pid).children(recursive=True)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    _, alive = psutil.wait_procs(family, timeout=15)
    assert not alive, f"survivors: {alive}"
    assert list((tmp_path / "tmp").iterdir()) == []

    undisturbed, config = tmp_path / "undisturbed", load_config(tmp_path / "config.yaml")
    preprocess(config=config, inputs=[str(tmp_path / "example")], output=str(undisturbed), cluster=scheduler)
    tables = [pl.read_parquet(path / "features" / "part-*.parquet") for path in (tmp_path / "results", undisturbed)]
    assert_frame_equal(*tables, check_exact=True)


def test_too_many_unreadable_images_fail_the_run_and_tell_where_to_look(folder: Path, prefect_api: str) -> None:
    for path in sorted((folder / "example").rglob("*.tif"))[::6]:
        path.write_bytes(b"not an image")
    process = start(folder, api=prefect_api)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 1, errors
    assert output == ""
    lines = errors.splitlines()
    assert SERVER not in lines
    assert lines[-1].startswith("error: 6 of 36 images were quarantined, more than run.max_quarantined: 0.05 allows")
    assert lines[-1].endswith("results/quarantine.parquet")
    assert (folder / "results" / "quarantine.parquet").is_file()
    assert "mask: 7 of 7" in errors
    assert "\x1b" not in errors
    assert record(folder)["status"] == "failed"
