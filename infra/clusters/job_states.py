"""Which of this user's jobs a batch system still has, and how they are cancelled; by its own commands."""

import getpass
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

Kind = Literal["slurm", "pbs", "sge", "lsf", "oar", "htcondor"]
State = Literal["pending", "running", "failed"]

COMMAND_SECONDS = 20.0
"""How long a batch system may take to answer."""


NOTHING = "No unfinished job found"
"""What LSF says of an empty queue, which it takes for a failure."""


class CannotTell(Exception):  # noqa: N818 - no error of a run: it asks again
    """The batch system did not answer, or not in the form that is expected: its jobs may be there or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedJob:
    """A job that the batch system has: it waits, runs, or comes to its end.

    Parameters
    ----------
    number
        By which the batch system calls it, as text: that of PBS has the server's name.
    """

    number: str
    name: str
    state: State


def queued_jobs(kind: Kind) -> list[QueuedJob]:
    """List this user's jobs that have not ended.

    Raises
    ------
    CannotTell
        With what the command printed.
    """
    command, read = QUEUES[kind]
    output = _output([part.format(user=getpass.getuser()) for part in command])
    try:
        return list(read(output))
    except (ValueError, KeyError, TypeError, ET.ParseError) as error:
        raise CannotTell(f"{command[0]} printed what cannot be read: {error}: {output[:200]}") from error


def cancel(kind: Kind, numbers: Sequence[str]) -> None:
    """Cancel jobs; those that are gone are none of its concern.

    Raises
    ------
    CannotTell
        The batch system did not answer.
    """
    for start in range(0, len(numbers), 100):  # a command line is of limited length
        _output([*CANCEL[kind], *numbers[start : start + 100]], accept_failure=True)


CANCEL: Mapping[Kind, Sequence[str]] = {
    "slurm": ("scancel",),
    "pbs": ("qdel",),
    "sge": ("qdel",),
    "lsf": ("bkill",),
    "oar": ("oardel",),
    "htcondor": ("condor_rm",),
}


def _output(command: Sequence[str], *, accept_failure: bool = False) -> str:
    try:
        ended = subprocess.run(  # noqa: S603 - commands of the tables here
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=COMMAND_SECONDS,
            check=False,
            env=os.environ | {"LC_ALL": "C"},
            start_new_session=True,  # Ctrl-C is for the run, which asks what there is to be cancelled
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotTell(f"{command[0]} did not answer: {error}") from error
    if ended.returncode and not accept_failure and NOTHING not in ended.stderr:
        raise CannotTell(
            f"{command[0]} failed with status {ended.returncode}: {(ended.stderr or ended.stdout).strip()}"
        )
    return ended.stdout


def _state(text: str, *, pending: str) -> State:
    return "pending" if text.strip().lower() in pending.split() else "running"


def _slurm(output: str) -> Iterator[QueuedJob]:
    for line in output.splitlines():
        number, state, name = line.split("|", 2)
        # One that was preempted, or whose node died, waits to run again.
        waits = "pending configuring requeued requeue_hold requeue_fed special_exit"
        yield QueuedJob(number=number, name=name, state=_state(state, pending=waits))


def _lsf(output: str) -> Iterator[QueuedJob]:
    for line in output.splitlines():
        number, state, name = line.split(";", 2)
        yield QueuedJob(number=number, name=name, state=_state(state, pending="pend psusp wait prov"))


def _pbs(output: str) -> Iterator[QueuedJob]:
    """Read ``qstat -f``: a line for the job, indented ones for its attributes, long ones broken by a tab."""
    for text in output.replace("\n\t", "").split("Job Id:")[1:]:
        first, *lines = text.splitlines()
        attributes = dict(line.strip().split(" = ", 1) for line in lines if " = " in line)
        state = attributes["job_state"]
        if state not in {"C", "F", "X"}:  # ended, of which PBS keeps a record
            yield QueuedJob(number=first.strip(), name=attributes["Job_Name"], state=_state(state, pending="q h w t m"))


def _sge(output: str) -> Iterator[QueuedJob]:
    for job in ET.fromstring(output).iter("job_list"):  # noqa: S314 - of the site's own batch system
        number, name, state = (job.findtext(tag) or "" for tag in ("JB_job_number", "JB_name", "state"))
        begun: State = "running" if state.strip("dRsStT") == "r" else "pending"
        yield QueuedJob(number=number, name=name, state="failed" if "E" in state else begun)


def _oar(output: str) -> Iterator[QueuedJob]:
    content = json.loads(output or "{}")
    jobs = content.values() if isinstance(content, dict) else content
    for job in jobs:
        if job["state"] not in {"Terminated", "Error"}:
            waits = "waiting hold tolaunch toackreservation launching"
            number = str(job.get("Job_Id") or job["id"])
            yield QueuedJob(number=number, name=job.get("name") or "", state=_state(job["state"], pending=waits))


def _htcondor(output: str) -> Iterator[QueuedJob]:
    for line in output.splitlines():
        cluster, process, state, name = line.split(maxsplit=3)
        if state not in {"3", "4"}:  # removed, completed
            yield QueuedJob(number=f"{cluster}.{process}", name=name, state=_state(state, pending="1 5"))


PBS_QUEUE = 'jobs=$(qselect -u "$0") || exit; [ -z "$jobs" ] || exec qstat -f $jobs'
"""Of this user alone: ``qstat -f`` lists everybody's."""

QUEUES: Mapping[Kind, tuple[Sequence[str], Callable[[str], Iterator[QueuedJob]]]] = {
    "slurm": (("squeue", "--me", "--noheader", "--format=%i|%T|%j"), _slurm),
    "pbs": (("/bin/sh", "-c", PBS_QUEUE, "{user}"), _pbs),
    "sge": (("qstat", "-u", "{user}", "-xml"), _sge),
    "lsf": (("bjobs", "-noheader", "-o", "jobid stat job_name delimiter=';'"), _lsf),
    "oar": (("oarstat", "--json", "--user", "{user}"), _oar),
    "htcondor": (("condor_q", "{user}", "-af", "ClusterId", "ProcId", "JobStatus", "JobBatchName"), _htcondor),
}
"""By batch system: the command, and what reads its output."""

QUEUE_PROGRAMS: Mapping[Kind, Sequence[str]] = {
    kind: ("qselect", "qstat") if kind == "pbs" else (command[0],) for kind, (command, _) in QUEUES.items()
}
"""What those commands need."""
