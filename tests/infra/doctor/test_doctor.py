"""What is looked at without a batch system, and what is said about it."""

import os
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from distributed import LocalCluster

from infra.clusters.model import Batch
from infra.doctor.batch_system import check_address, check_commands, check_folder
from infra.doctor.check import Check
from infra.doctor.jobs import Outcome
from infra.doctor.listener import listening
from infra.doctor.machine import (
    INSTALL,
    check_computing,
    check_gpu,
    check_gpu_packages,
    check_packages,
    check_python,
    check_scratch,
    node_gpus,
    requirements,
    same_packages,
    same_python,
)
from infra.doctor.nodes import judge
from infra.doctor.probe import Report, ask_api, greet, look_around
from tasks.core.errors import ConfigError

PROJECT = Path(__file__).resolve().parents[3]


def a_batch(folder: Path, **changes: object) -> Batch:
    pools = {"gpu": {"memory": "4 GB", "gpus": 1, "queue": "a100"}}
    return Batch.model_validate({"kind": "slurm", "pools": pools, "folder": str(folder)} | changes)


@pytest.fixture(scope="module")
def here() -> Report:
    return look_around()


def doctor(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.doctor", *arguments],
        cwd=PROJECT,
        env=os.environ | {"COLUMNS": "400"} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def failures(ran: subprocess.CompletedProcess[str]) -> str:
    return ran.stdout[ran.stdout.find("failed ") :]


def test_this_machine_is_fit(here: Report) -> None:
    checks = [check(here) for check in (check_python, check_packages)]
    assert [check for check in checks if not check.ok] == []
    assert len(requirements()) > 20


def test_an_old_python_and_absent_or_unfit_packages_are_named(here: Report) -> None:
    assert check_python({**here, "python": "3.10.2"}) == Check(
        name="Python",
        ok=False,
        seen=f"3.10.2, {sys.executable}",
        remedy=f"install Python 3.11 or later, make an environment with it, and there: {INSTALL}",
    )
    packages = {name: version for name, version in here["packages"].items() if name != "polars"} | {"numpy": "1.26.4"}
    check = check_packages({**here, "packages": packages})
    assert not check.ok
    assert check.seen == "numpy 1.26.4 (needs >=2.2); polars is missing (needs >=1.30)"
    without = check_packages({**here, "packages": {}})
    assert (without.ok, without.seen) == (False, "scip-flows is not installed")


@pytest.mark.parametrize(
    ("gpus", "driver", "ok"),
    [
        (0, "there is no nvidia-smi", True),
        (1, "NVIDIA H200, 570.1", True),
        (0, "NVIDIA H200, 570.1", False),
        (0, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver", False),
    ],
)
def test_a_gpu_that_the_driver_knows_must_be_usable(here: Report, gpus: int, driver: str, *, ok: bool) -> None:
    check = check_gpu({**here, "gpus": gpus, "driver": driver})
    assert check.ok is ok
    assert driver in check.seen
    assert "CUDA_VISIBLE_DEVICES" in check.remedy


def test_a_full_or_unwritable_scratch_folder_is_told(here: Report) -> None:
    full = check_scratch({**here, "scratch": {"path": "/scratch", "free": 10**8, "problem": ""}})
    assert (full.ok, full.seen) == (False, "/scratch: 0.1 GB free")
    assert "2 GB or more" in full.remedy
    unwritable = check_scratch(
        {**here, "scratch": {"path": "/scratch", "free": 10**12, "problem": "it cannot be written"}}
    )
    assert (unwritable.ok, unwritable.seen) == (False, "/scratch: it cannot be written")


def test_a_temporary_folder_that_is_not_there_is_told() -> None:
    ran = doctor(TMPDIR="/nowhere/tmp")
    assert ran.returncode == 1
    assert "scratch folder  /nowhere/tmp: it cannot be written" in failures(ran)
    assert "set TMPDIR to a folder on a local disk" in failures(ran)


def test_nodes_need_the_same_feature_version_of_python_and_the_same_packages(here: Report) -> None:
    node: Report = {**here, "host": "n7"}
    assert same_python(here, node).ok
    assert same_packages(here, node).ok
    older = same_python({**here, "python": "3.12.1"}, {**node, "python": "3.11.9"})
    assert (older.ok, older.seen) == (False, f"3.11.9 on n7, {sys.executable}; 3.12.1 here")
    packages = {name: version for name, version in here["packages"].items() if name != "dask"} | {"numpy": "2.2.0"}
    differing = same_packages(here, {**node, "packages": packages})
    assert not differing.ok
    ours = here["packages"]
    assert differing.seen == f"dask is missing, here {ours['dask']}; numpy 2.2.0, here {ours['numpy']}"


def test_a_job_has_to_see_all_gpus_that_it_asks_for(here: Report) -> None:
    node: Report = {**here, "gpus": 1, "driver": "NVIDIA H200, 570.1"}
    assert node_gpus(node, asked=1).ok
    assert not node_gpus(node, asked=2).ok
    assert "gpu_directive" in node_gpus(node, asked=2).remedy


@pytest.mark.parametrize(
    ("packages", "cupy", "onnxruntime", "ok"),
    [
        ({}, "cupy cannot be imported", "onnxruntime 1.32 is the one for processors", True),
        ({"cupy-cuda13x": "14.2", "cucim-cu13": "26.10"}, "", "onnxruntime 1.32 is the one for processors", True),
        ({"cupy-cuda13x": "14.2", "onnxruntime-gpu": "1.32"}, "", "", True),
        ({"cupy-cuda13x": "14.2"}, "cupy does not work: CUDARuntimeError: insufficient driver", "", False),
        ({"onnxruntime-gpu": "1.32"}, "", "onnxruntime cannot load its CUDA provider", False),
    ],
)
def test_what_computes_on_gpus_has_to_work_where_it_is_installed(
    here: Report, packages: dict[str, str], cupy: str, onnxruntime: str, *, ok: bool
) -> None:
    obstacles = {"cupy": cupy, "onnxruntime": onnxruntime}
    check = check_gpu_packages({**here, "gpus": 1, "packages": packages, "gpu_obstacles": obstacles})
    assert check.ok is ok
    told = [f"{name} {version}" for name, version in packages.items()]
    assert all(text in check.seen for text in (*told, cupy, onnxruntime))


def test_onnxruntime_has_to_run_a_model_where_it_is_installed(here: Report) -> None:
    installed: Report = {**here, "gpus": 0, "packages": {"onnxruntime": "1.32"}, "onnxruntime": ""}
    (check,) = check_computing(installed)
    assert (check.name, check.ok) == ("models", True)
    (check,) = check_computing({**installed, "onnxruntime": "onnxruntime cannot be imported (GLIBCXX_3.4.30)"})
    assert (check.ok, "GLIBCXX_3.4.30" in check.seen) == (False, True)
    assert check_computing({**installed, "packages": {}}) == []
    assert [check.name for check in check_computing({**installed, "gpus": 1})] == ["models", "GPU packages"]


def test_a_listener_is_reached_and_what_keeps_from_it_is_told() -> None:
    with listening("127.0.0.1", ports=None) as listener:
        assert greet(listener.address) == ""
    assert greet(listener.address) == "Connection refused"
    with HTTPServer(("127.0.0.1", 0), _Api) as other:
        Thread(target=other.handle_request, daemon=True).start()
        assert greet(f"tcp://127.0.0.1:{other.server_port}") == "somebody else answers there"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        listening("127.0.0.1", ports=f"{port}:{port}"),
        pytest.raises(ConfigError, match=f"{port}:{port}"),
        listening("127.0.0.1", ports=f"{port}:{port}"),
    ):
        pass


class _Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_prefect_api_that_does_not_answer_is_told() -> None:
    with HTTPServer(("127.0.0.1", 0), _Api) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        assert ask_api(f"{base}/api") == ""
        assert ask_api(base) == "it answers with HTTP status 404"
        assert doctor(PREFECT_API_URL=f"{base}/api").returncode == 0
        server.shutdown()
    ran = doctor(PREFECT_API_URL=f"{base}/api")
    assert ran.returncode == 1
    assert f"Prefect API     {base}/api: Connection refused" in failures(ran)
    assert "or unset it: the run then starts its own" in failures(ran)


def test_commands_that_are_missing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "squeue").touch(mode=0o755)
    check = check_commands(a_batch(tmp_path))
    assert (check.ok, check.seen) == (False, "not on the PATH: sbatch, scancel")
    assert "such as a login node" in check.remedy
    assert check_commands(a_batch(tmp_path, kind="lsf")).seen == "not on the PATH: bsub, bkill, bjobs"


def test_a_batch_system_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name in ("sbatch", "scancel", "squeue"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'Unable to contact slurm controller' >&2; exit 1\n")
        (tmp_path / name).chmod(0o755)
    check = check_commands(a_batch(tmp_path))
    assert (check.ok, "Unable to contact slurm controller" in check.seen) == (False, True)
    assert "ask your administrator" in check.remedy


def test_a_folder_that_others_may_look_into_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    made = check_folder(a_batch(folder))
    assert made.ok
    assert "only you can read it" in made.seen
    folder.chmod(0o750)
    check = check_folder(a_batch(folder))
    assert (check.ok, "others may look into it (mode 750)" in check.seen) == (False, True)
    assert check.remedy.startswith(f"chmod 700 {folder}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    mounted = 'mount -t tmpfs -o ro,mode=700 none "$0" && exec "$@"'
    for folder in (tmp_path, tmp_path / "deeper"):
        code = f"from tests.infra.doctor.test_doctor import *; print(check_folder(a_batch(Path({str(folder)!r}))))"
        ran = subprocess.run(
            ["unshare", "--mount", "sh", "-c", mounted, str(tmp_path), sys.executable, "-c", code],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert "ok=False" in ran.stdout
        assert "Read-only file system" in ran.stdout
        assert "which nodes see under the same path" in ran.stdout


def test_an_interface_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    check = check_address(a_batch(tmp_path, interface="ib7"))
    assert not check.ok
    assert "got 'ib7'; this machine has " in check.seen
    assert "lo" in check.seen
    assert check_address(a_batch(tmp_path, interface="lo")).seen == "127.0.0.1"


@pytest.mark.parametrize(
    ("state", "words", "seen", "remedy"),
    [
        ("rejected", "invalid partition", "invalid partition", "sinfo -s lists queues"),
        ("waiting", "job 7", "job 7 still waits in a100", "--wait 3600"),
        ("running", "job 7", "job 7 runs, but has not reported", "`prologue`"),
        ("silent", "No module named infra", "its log says: No module named infra", "pip install -c constraints.txt"),
        ("silent", "", "left no log in", "not in /tmp"),
    ],
)
def test_a_job_that_does_not_report_is_told_with_what_to_do(
    here: Report, tmp_path: Path, state: str, words: str, seen: str, remedy: str
) -> None:
    batch = a_batch(tmp_path)
    (check,) = judge(batch, Outcome(pool=batch.pools[0], state=state, words=words), here=here)
    assert (check.name, check.ok) == ("pool gpu: a job starts", False)
    assert seen in check.seen
    assert remedy in check.remedy


def test_a_node_that_does_not_reach_this_machine_is_told(here: Report, tmp_path: Path) -> None:
    batch = a_batch(tmp_path)
    node: Report = {
        **here,
        "host": "n7",
        "gpus": 1,
        "unreachable": {"scheduler": "No route to host", "Prefect API": ""},
    }
    checks = {
        check.name: check
        for check in judge(batch, Outcome(pool=batch.pools[0], state="reported", report=node), here=here)
    }
    scheduler = checks["pool gpu: reaches the scheduler"]
    assert (scheduler.ok, scheduler.seen) == (False, "n7: No route to host")
    assert "`interface`" in scheduler.remedy
    assert "`ports`" in scheduler.remedy
    assert checks["pool gpu: reaches the Prefect API"].ok
    assert checks["pool gpu: GPU packages"].ok


def test_workers_of_a_scheduler_are_asked_until_it_is_gone(tmp_path: Path) -> None:
    place = {"protocol": "tcp://", "host": "127.0.0.1", "dashboard_address": None}
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, resources={"GPU": 1}, **place) as cluster:
        address = cluster.scheduler_address
        ran = doctor("--cluster", address, "--path", str(tmp_path), "--path", "/nowhere")
        assert (ran.returncode, ran.stderr) == (1, "")
        failed = [line for line in ran.stdout.splitlines() if line.startswith("failed")]
        assert [line.split(": ")[1].split("  ")[0] for line in failed] == ["sees /nowhere", "GPU"]
        assert f"{address} has 1 workers" in ran.stdout
        assert f"sees {tmp_path}" in ran.stdout
    ran = doctor("--cluster", address)
    assert ran.returncode == 1
    assert f"no Dask scheduler answers at {address}" in failures(ran)
    assert "for tls:// name `tls_ca_file`" in failures(ran)


def test_errors_in_usage_end_with_status_2() -> None:
    for arguments, words in {
        ("--cluster", "nowhere"): "got 'nowhere', which is no file",
        ("--clean",): "got a cluster of kind local, which has no jobs",
    }.items():
        ran = doctor(*arguments)
        assert (ran.returncode, words in ran.stderr) == (2, True), ran.stderr
