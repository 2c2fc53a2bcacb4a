"""What watches over a run's jobs: it cancels them once the run is gone, and only then."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from infra.clusters.job_states import CannotTell
from infra.clusters.watchdog import cancel_all, sweep
from tests.infra.clusters.test_job_states import program

RUN = """
import sys, time
from pathlib import Path
from infra.clusters.watchdog import watchdog
with watchdog("slurm", prefix="scip-abc-", folder=Path(sys.argv[1])):
    print("watched", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a file for each job, named as its number, that holds its name; programs read it."""
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    (tmp_path / "bin").mkdir()
    program(
        tmp_path / "bin",
        "squeue",
        script=f'cd {jobs}; for job in $(ls); do echo "$job|RUNNING|$(cat $job)"; done',
    )
    program(tmp_path / "bin", "scancel", script=f"cd {jobs}; rm -f $@")
    for number, name in (("1", "scip-abc-cpu"), ("2", "scip-abc-gpu"), ("3", "scip-other-cpu")):
        (jobs / number).write_text(name, encoding="utf-8")
    return jobs


def left(queue: Path) -> set[str]:
    return {path.name for path in queue.iterdir()}


def test_the_jobs_of_a_run_alone_are_cancelled(queue: Path) -> None:
    assert cancel_all("slurm", prefix="scip-abc-")
    assert left(queue) == {"3"}
    assert not cancel_all("slurm", prefix="scip-abc-")


def test_a_job_that_is_submitted_late_is_cancelled_too(
    queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.clusters.watchdog.LATE_SECONDS", 2.0)
    monkeypatch.setattr("infra.clusters.watchdog.SWEEP_SECONDS", 0.2)
    late = subprocess.Popen(["/bin/sh", "-c", f"sleep 1; echo scip-abc-cpu > {queue}/4"])
    sweep("slurm", prefix="scip-abc-", folder=tmp_path / "secrets")
    assert late.wait() == 0
    assert left(queue) == {"3"}


def test_a_queue_that_does_not_answer_is_asked_again(
    queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.clusters.watchdog.LATE_SECONDS", 0.0)
    monkeypatch.setattr("infra.clusters.watchdog.SWEEP_SECONDS", 0.1)
    answers = tmp_path / "bin" / "squeue"
    silent = tmp_path / "bin" / "aside"
    answers.rename(silent)
    program(tmp_path / "bin", "squeue", script=f"mv {silent} {answers}; exit 1")
    with pytest.raises(CannotTell):
        cancel_all("slurm", prefix="scip-nothing-")
    answers.rename(silent)
    program(tmp_path / "bin", "squeue", script=f"mv {silent} {answers}; exit 1")
    sweep("slurm", prefix="scip-abc-", folder=tmp_path / "secrets")
    assert left(queue) == {"3"}


def test_a_clean_end_cancels_what_is_left_and_ends_the_watch(queue: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", RUN, str(tmp_path / "secrets"), "0"], check=True, timeout=60)
    assert left(queue) == {"3"}
    assert not _watchdogs(tmp_path)


@pytest.mark.slow
def test_a_killed_run_leaves_neither_jobs_nor_secrets(queue: Path, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    command = [sys.executable, "-c", RUN, str(secrets), "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as run:
        assert run.stdout is not None
        run.stdout.readline()
        (watching,) = _watchdogs(tmp_path)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            watching.send_signal(number)  # as a batch system or a terminal does to all processes
        os.killpg(run.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs([watching], timeout=90)
    assert not alive
    assert left(queue) == {"3"}
    assert not secrets.exists()


def _watchdogs(folder: Path) -> list[psutil.Process]:
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        processes = [
            process
            for process in psutil.process_iter(["cmdline"])
            if "infra.clusters.watchdog" in (process.info["cmdline"] or ()) and str(folder) in str(process.info)
        ]
        if processes:
            return processes
        time.sleep(0.1)
    return []
