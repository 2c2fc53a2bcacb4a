"""The doctor's jobs on stand-ins of batch systems: they are those of a run, with another program in them."""

import os
import sys
from pathlib import Path

import pytest

from infra.clusters.model import Batch
from infra.doctor.batch_system import check_commands
from infra.doctor.jobs import probe_pools
from infra.doctor.nodes import judge
from infra.doctor.probe import look_around
from tests.infra.clusters import standin

PROJECT = Path(__file__).resolve().parents[3]
STANDIN = Path(standin.__file__)
COMMANDS = {
    "pbs": ("qsub", "qdel", "qselect", "qstat"),
    "sge": ("qsub", "qdel", "qstat"),
    "lsf": ("bsub", "bkill", "bjobs"),
}
EMPTY_QUEUE = {"pbs": "", "sge": "<job_info/>", "lsf": ""}


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_job_reports_from_every_batch_system(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (programs := tmp_path / "bin").mkdir()
    (tmp_path / "jobs").mkdir()
    submit, cancel, *queue = COMMANDS[kind]
    for name, line in {
        submit: f'exec {sys.executable} {STANDIN} {kind} submit "$@"',
        cancel: f'exec {sys.executable} {STANDIN} {kind} cancel "$@"',
        **dict.fromkeys(queue, f"printf '{EMPTY_QUEUE[kind]}'"),
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("STANDIN", str(tmp_path / "jobs"))
    pool = {"memory": "1 GB", "cores": 2, "prologue": [f"cd {PROJECT}"]}
    settings = {"kind": kind, "interface": "lo", "folder": str(tmp_path / "shared"), "pools": {"cpu": pool}}
    batch = Batch.model_validate(settings)
    commands = check_commands(batch)
    assert (commands.ok, commands.seen) == (True, f"{', '.join(COMMANDS[kind])}; 0 jobs of yours")
    (outcome,) = probe_pools(batch, seconds=60, api=None, paths=[tmp_path])
    checks = judge(batch, outcome, here=look_around())
    assert [check for check in checks if not check.ok] == []
    assert {f"pool cpu: sees {tmp_path}", "pool cpu: reaches the scheduler"} < {check.name for check in checks}
    assert list((tmp_path / "shared").glob("scip-flows-*")) == []
