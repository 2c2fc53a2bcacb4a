"""The doctor on a Slurm whose nodes are apart: what is broken is told with what to do."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.clusters.find import find_cluster
from infra.clusters.model import Batch
from infra.clusters.run_folder import run_folder
from infra.doctor.check import Check
from infra.doctor.jobs import probe_pools
from infra.doctor.nodes import judge
from infra.doctor.probe import look_around
from tests.slurm.rig import PROJECT, Slurm

pytestmark = pytest.mark.slurm

DEAD_RUN = """
import sys, time
from infra.clusters.find import find_cluster
from infra.clusters.run_folder import run_folder
with run_folder(find_cluster(sys.argv[1]), run="dead") as folder:
    print(folder, flush=True)
    time.sleep(600)
"""
"""A run that has a folder and ends by a signal."""


def batch_of(file: Path) -> Batch:
    cluster = find_cluster(str(file))
    assert isinstance(cluster, Batch)
    return cluster


def examine(
    slurm: Slurm,
    shared: Path,
    *,
    pool: Mapping[str, Any] | None = None,
    seconds: float = 60,
    server: str | None = None,
    **changes: object,
) -> dict[str, Check]:
    """Examine the pool cpu, changed as the test says; only what failed."""
    batch = batch_of(slurm.cluster_file(shared, pools={"cpu": pool or {}}, **changes))
    (outcome,) = probe_pools(batch, seconds=seconds, api=server)
    checks = judge(batch, outcome, here=look_around())
    assert len(checks) > 0
    return {check.name.removeprefix("pool cpu: "): check for check in checks if not check.ok}


def doctor(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.doctor", *arguments],
        cwd=PROJECT,
        env=os.environ | {"COLUMNS": "400"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_cluster_that_works_passes_and_nothing_is_left(slurm: Slurm, shared: Path) -> None:
    ran = doctor("--cluster", slurm.cluster_file(shared, pools={"cpu": {}}))
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert "pool cpu: a job starts             it reported from c" in ran.stdout
    assert "checks passed" in ran.stdout
    assert slurm.squeue() == []
    assert list((shared / "jobs").iterdir()) == []


def test_a_gpu_that_cannot_be_used_is_all_that_fails(slurm: Slurm, shared: Path) -> None:
    ran = doctor("--cluster", slurm.cluster_file(shared))
    assert (ran.returncode, ran.stdout.count("failed  ")) == (1, 1), ran.stdout
    assert "failed  pool gpu: GPU" in ran.stdout
    assert "0 can be used by a job that asks for 1" in ran.stdout


def test_an_unknown_partition_is_told(slurm: Slurm, shared: Path) -> None:
    failed = examine(slurm, shared, pool={"queue": "nowhere"})
    assert set(failed) == {"a job starts"}
    assert "invalid partition specified: nowhere" in failed["a job starts"].seen
    assert "sinfo -s lists queues" in failed["a job starts"].remedy


def test_an_address_that_nodes_do_not_reach_is_told(slurm: Slurm, shared: Path) -> None:
    if not slurm.is_apart:
        pytest.skip("nodes share this machine's network: namespaces are root's")
    failed = examine(slurm, shared, interface="lo")
    assert set(failed) == {"reaches the scheduler", "reaches the Prefect API"}
    assert "Connection refused" in failed["reaches the scheduler"].seen
    assert "`interface`" in failed["reaches the scheduler"].remedy


def test_a_prefect_api_on_the_loopback_is_told(slurm: Slurm, shared: Path) -> None:
    if not slurm.is_apart:
        pytest.skip("nodes share this machine's network: namespaces are root's")
    with socket.create_server(("127.0.0.1", 0)) as api:
        failed = examine(slurm, shared, server=f"http://127.0.0.1:{api.getsockname()[1]}/api")
    assert set(failed) == {"reaches the Prefect API"}
    assert "Connection refused" in failed["reaches the Prefect API"].seen
    assert "PREFECT_API_URL" in failed["reaches the Prefect API"].remedy


def test_a_folder_that_nodes_do_not_see_is_told(slurm: Slurm, shared: Path, tmp_path: Path) -> None:
    if not slurm.is_apart:
        pytest.skip("nodes share this machine's /tmp: namespaces are root's")
    failed = examine(slurm, shared, folder=str(tmp_path / "jobs"))
    assert set(failed) == {"a job starts"}
    assert f"left no log in {tmp_path / 'jobs'}" in failed["a job starts"].seen
    assert "that they see under the same path" in failed["a job starts"].remedy


def test_a_path_that_nodes_do_not_see_is_told(slurm: Slurm, shared: Path, tmp_path: Path) -> None:
    if not slurm.is_apart:
        pytest.skip("nodes share this machine's /tmp: namespaces are root's")
    file = slurm.cluster_file(shared, pools={"cpu": {}})
    ran = doctor("--cluster", file, "--path", tmp_path, "--path", shared)
    failed = [line for line in ran.stdout.splitlines() if line.startswith("failed")]
    assert (ran.returncode, len(failed)) == (1, 1), ran.stdout
    assert f"pool cpu: sees {tmp_path}" in failed[0]
    assert "No such file or directory" in failed[0]
    assert f"pool cpu: sees {shared}" in ran.stdout


def test_a_python_without_the_packages_is_told(slurm: Slurm, shared: Path) -> None:
    failed = examine(slurm, shared, pool={"python": "/usr/bin/python3"})
    assert "packages" in failed
    assert "dask is missing" in failed["packages"].seen
    assert "`python` of the pool" in failed["packages"].remedy


def test_a_python_that_is_not_there_is_told_in_the_words_of_the_log(slurm: Slurm, shared: Path) -> None:
    failed = examine(slurm, shared, pool={"python": "/opt/nowhere/python"})
    assert set(failed) == {"a job starts"}
    assert "/opt/nowhere/python" in failed["a job starts"].seen
    assert "mend `prologue` or `python`" in failed["a job starts"].remedy


def test_a_job_that_does_not_start_in_time_is_told_and_cancelled(slurm: Slurm, shared: Path) -> None:
    failed = examine(slurm, shared, pool={"directives": ["--hold"]}, seconds=2)
    assert set(failed) == {"a job starts"}
    assert "still waits in cpu" in failed["a job starts"].seen
    assert "--wait 3600" in failed["a job starts"].remedy


def test_cleaning_ends_what_dead_runs_left_and_nothing_else(slurm: Slurm, shared: Path) -> None:
    file = slurm.cluster_file(shared)
    dead = subprocess.Popen([sys.executable, "-c", DEAD_RUN, file], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    try:
        assert dead.stdout is not None
        folder = Path(dead.stdout.readline().strip())
    finally:
        dead.send_signal(signal.SIGKILL)
        dead.wait()
    assert folder.is_dir()
    with run_folder(batch_of(file), run="live") as live:
        for run, partition in {"dead": "cpu", "live": "gpu", "unknown": "cpu"}.items():
            name = f"--job-name=scip-{run}-{partition}"
            slurm.submit("sleep 300", folder=shared, options=(name, "--mem=100M"), partition=partition)
        slurm.submit("sleep 300", folder=shared, options=("--job-name=mine", "--mem=100M"))
        refused = doctor("--cluster", file, "--clean")
        assert (refused.returncode, folder.is_dir()) == (1, True)
        ran = doctor("--cluster", file, "--clean", "--yes")
        assert ran.returncode == 0, ran.stderr
        lines = [line.partition(": run ") for line in ran.stdout.splitlines()]
        assert {(line[0], line[2].split()[0].rstrip(":")) for line in lines} == {
            ("cleaned up", "dead"),
            ("left alone", "live"),
            ("left alone", "unknown"),
        }
        assert "--run unknown" in ran.stdout
        assert (folder.exists(), live.is_dir()) == (False, True)
        assert slurm_names(slurm) == {"scip-live-gpu", "scip-unknown-cpu", "mine"}
        doctor("--cluster", file, "--clean", "--yes", "--run", "unknown")
        assert slurm_names(slurm) == {"scip-live-gpu", "mine"}
    slurm.cancel_all(seconds=0)


@pytest.mark.slow
def test_jobs_of_a_run_that_was_killed_with_its_watchdog_are_cleaned_by_name(slurm: Slurm, shared: Path) -> None:
    file = slurm.cluster_file(shared, pools={"cpu": {"minimum": 2}})
    command = [sys.executable, "-m", "flows.preprocess", "--cluster", str(file), "--output", str(shared / "output")]
    with (shared / "printed").open("w") as printed:
        flow = psutil.Popen(command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed)
    processes: list[psutil.Process] = [flow]
    try:
        deadline = time.monotonic() + 120
        while len(slurm.squeue()) < 2:
            assert flow.poll() is None, (shared / "printed").read_text()
            assert time.monotonic() < deadline, slurm.squeue()
            time.sleep(0.5)
        flow.suspend()  # so that it starts none while these are collected
        processes += flow.children(recursive=True)
        assert any("infra.clusters.watchdog" in process.cmdline() for process in processes)
    finally:
        for process in processes:
            process.kill()
        flow.wait()
    assert slurm_names(slurm) != set()
    assert len(list((shared / "jobs").glob("scip-flows-*/run.json"))) == 1
    ran = doctor("--cluster", file, "--clean", "--yes")
    assert ran.returncode == 0, ran.stderr
    assert "cleaned up: run " in ran.stdout
    assert slurm_names(slurm) == set()
    assert list((shared / "jobs").glob("scip-flows-*")) == []


def slurm_names(slurm: Slurm) -> set[str]:
    """Names of jobs that are not about to end."""
    return {job["name"] for job in slurm.squeue() if job["state"] != "COMPLETING"}
