"""A flow run's job on a stand-in of LSF: what it prints and how it ends come back, and a cancel reaches it."""

import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from infra.clusters.model import Batch
from infra.work_pools.job import carry_out, find_pool
from tasks.core.errors import ConfigError, RunError
from tests.infra.clusters import standin

PROJECT = Path(__file__).resolve().parents[3]
NOBODY = "nobody"
"""Of a flow run: Prefect's engine says so, and asks no server."""

QUEUE = """
import json, os, pathlib
for file in sorted(pathlib.Path(os.environ["STANDIN"]).glob("*.json")):
    record = json.loads(file.read_text())
    command = pathlib.Path("/proc", str(record["process"]), "cmdline")
    if command.exists() and command.read_bytes():
        print(f"{file.stem};RUN;{dict(record['options'])['-J']}")
"""


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the commands of LSF in the path; return the folder with a file for each job."""
    (programs := tmp_path / "bin").mkdir()
    (folder := tmp_path / "jobs").mkdir()
    (tmp_path / "queue.py").write_text(QUEUE, encoding="utf-8")
    for name, line in {
        "bsub": f"{sys.executable} {standin.__file__} lsf submit",
        "bkill": f"{sys.executable} {standin.__file__} lsf cancel",
        "bjobs": f"{sys.executable} {tmp_path / 'queue.py'}",
    }.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {line} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("STANDIN", str(folder))
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", NOBODY)
    return folder


def batch(folder: Path, **pool: object) -> Batch:
    prologue = [f"cd {PROJECT}"]
    cpu = {"name": "cpu", "memory": "1 GB", "cores": 2, "prologue": prologue, **pool}
    return Batch.model_validate({"kind": "lsf", "folder": str(folder / "shared"), "pools": [cpu]})


def test_what_a_job_prints_and_its_exit_status_come_back(
    jobs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster = batch(tmp_path)
    assert carry_out((cluster, cluster.pools[0]), flow_run=NOBODY, stop=threading.Event()) == 1
    printed = capfd.readouterr().out
    assert "Invalid flow run id" in printed
    assert "'none'" not in printed  # an argument of a worker's, which the engine would take for it
    script = (jobs / "1000.sh").read_text(encoding="utf-8")
    assert "#BSUB -n 2" in script
    assert "PREFECT" not in script  # which others can read
    assert list((tmp_path / "shared").iterdir()) == []


def test_a_cancel_ends_the_job(jobs: Path, tmp_path: Path) -> None:
    cluster = batch(tmp_path, prologue=["sleep 600"])
    stop = threading.Event()

    def cancel_once_it_runs() -> None:
        while not (jobs / "1000.json").exists():
            time.sleep(0.1)
        stop.set()

    threading.Thread(target=cancel_once_it_runs, daemon=True).start()
    assert carry_out((cluster, cluster.pools[0]), flow_run=NOBODY, stop=stop) == 143
    process = json.loads((jobs / "1000.json").read_text(encoding="utf-8"))["process"]
    assert not Path("/proc", str(process), "exe").exists()


def test_a_job_that_ends_without_a_word_of_the_run_is_told_with_what_it_printed(jobs: Path, tmp_path: Path) -> None:
    del jobs
    cluster = batch(tmp_path, prologue=["echo no module; exit 3"])
    with pytest.raises(RunError, match=r"job 1000 ended before the flow run did: .* It printed: no module"):
        carry_out((cluster, cluster.pools[0]), flow_run=NOBODY, stop=threading.Event())


def test_what_the_batch_system_rejects_is_told(jobs: Path, tmp_path: Path) -> None:
    del jobs
    cluster = batch(tmp_path, directives=["--nonsense"])
    with pytest.raises(RunError, match="the batch system rejects the job of pool cpu"):
        carry_out((cluster, cluster.pools[0]), flow_run=NOBODY, stop=threading.Event())


def test_a_pool_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"has no pool 'gpus'.*did you mean 'gpu'"):
        find_pool("slurm", "gpus")
    with pytest.raises(ConfigError, match="of kind local"):
        find_pool("local", "cpu")
