"""What batch systems print of their queues, and what is made of it; the samples follow their manuals."""

import os
import stat
from pathlib import Path

import pytest

from infra.clusters.job_states import CannotTell, Kind, QueuedJob, cancel, queued_jobs

PBS = """Job Id: 17.server.site
    Job_Name = scip-abc-cpu
    Job_Owner = me@login
    job_state = R
    Variable_List = PBS_O_HOME=/home/me,PBS_O_LANG=C,
\tPBS_O_PATH=/usr/bin

Job Id: 18.server.site
    Job_Name = scip-abc-
\tgpu
    job_state = Q

Job Id: 16.server.site
    Job_Name = scip-abc-cpu
    job_state = F
"""
SGE = """<?xml version='1.0'?>
<job_info><queue_info><job_list state="running"><JB_job_number>17</JB_job_number><JB_name>scip-abc-cpu</JB_name>
<state>r</state></job_list></queue_info><job_info><job_list state="pending"><JB_job_number>18</JB_job_number>
<JB_name>scip-abc-gpu</JB_name><state>qw</state></job_list></job_info></job_info>
"""
OAR = """{"17": {"Job_Id": 17, "state": "Running", "name": "scip-abc-cpu"},
"18": {"Job_Id": 18, "state": "Waiting", "name": "scip-abc-gpu"},
"16": {"Job_Id": 16, "state": "Terminated", "name": null}}"""
SAMPLES: dict[Kind, tuple[str, str]] = {
    "slurm": ("squeue", "17|RUNNING|scip-abc-cpu\n18|PENDING|scip-abc-gpu\n"),
    "pbs": ("qstat", PBS),
    "sge": ("qstat", SGE),
    "lsf": ("bjobs", "17;RUN;scip-abc-cpu\n18;PEND;scip-abc-gpu\n"),
    "oar": ("oarstat", OAR),
    "htcondor": ("condor_q", "17 0 2 scip-abc-cpu\n18 0 1 scip-abc-gpu\n16 0 4 scip-abc-cpu\n"),
}
NUMBERS: dict[Kind, tuple[str, str]] = {
    "pbs": ("17.server.site", "18.server.site"),
    "htcondor": ("17.0", "18.0"),
}


def program(folder: Path, name: str, *, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder whose programs come before all others."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize("kind", SAMPLES)
def test_jobs_that_have_not_ended_are_read(kind: Kind, programs: Path) -> None:
    name, output = SAMPLES[kind]
    (programs / "output").write_text(output, encoding="utf-8")
    program(programs, name, script=f"cat {programs}/output")
    program(programs, "qselect", script="echo 17.server.site; echo 18.server.site")
    running, pending = NUMBERS.get(kind, ("17", "18"))
    assert queued_jobs(kind) == [
        QueuedJob(number=running, name="scip-abc-cpu", state="running"),
        QueuedJob(number=pending, name="scip-abc-gpu", state="pending"),
    ]


@pytest.mark.parametrize("kind", SAMPLES)
def test_an_empty_queue_has_no_jobs(kind: Kind, programs: Path) -> None:
    output = "<job_info><queue_info/><job_info/></job_info>" if kind == "sge" else ""
    script = {"lsf": "echo No unfinished job found >&2; exit 255", "pbs": "exit 1"}.get(kind, f"printf %s '{output}'")
    program(programs, SAMPLES[kind][0], script=script)
    program(programs, "qselect", script="true")
    assert queued_jobs(kind) == []


def test_a_queue_of_pbs_that_does_not_answer_is_not_empty(programs: Path) -> None:
    program(programs, "qselect", script="echo cannot connect to server >&2; exit 111")
    with pytest.raises(CannotTell, match="failed with status 111: cannot connect"):
        queued_jobs("pbs")


def test_a_preempted_job_waits_again(programs: Path) -> None:
    program(programs, "squeue", script="echo '17|REQUEUED|scip-abc-cpu'")
    assert [job.state for job in queued_jobs("slurm")] == ["pending"]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo slurm_load_jobs error: Unable to contact slurm controller >&2; exit 1", "Unable to contact"),
        ("echo something else", "cannot be read"),
        ("exec sleep 10", "did not answer"),
    ],
)
def test_no_answer_is_not_taken_for_an_empty_queue(
    script: str, told: str, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.clusters.job_states.COMMAND_SECONDS", 0.5)
    program(programs, "squeue", script=script)
    with pytest.raises(CannotTell, match=told):
        queued_jobs("slurm")


def test_a_missing_command_is_no_empty_queue(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(CannotTell, match="bjobs did not answer"):
        queued_jobs("lsf")


def test_jobs_are_cancelled_by_few_commands_also_where_some_are_gone(programs: Path) -> None:
    program(programs, "scancel", script=f'echo "$@" >> {programs}/cancelled; exit 1')
    cancel("slurm", [str(number) for number in range(250)])
    commands = (programs / "cancelled").read_text(encoding="utf-8").splitlines()
    assert [len(command.split()) for command in commands] == [100, 100, 50]
