"""Processes of a run, whoever their parent is by now: all of them inherit a variable of the environment."""

import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import psutil

Kind = Literal["worker", "nanny", "flow", "server", "scheduler"]
"""Which process is killed: a worker of the local cluster, the nanny of a worker that the scheduler was joined by, the
command's process, its Prefect server, a scheduler that runs already."""

MARK = "SCIP_CHAOS_RUN"

ORPHAN_SECONDS = 10.0
"""How long processes of a run may outlive it."""


def marked(mark: str) -> list[psutil.Process]:
    """Find the processes that were started with a value of `MARK`, or by those."""
    processes = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it has ended, or is another user's
            if process.environ().get(MARK) == mark:
                processes.append(process)
    return processes


def find_targets(kind: Literal["worker", "server"], *, flow: int) -> list[psutil.Process]:
    """Find the processes of a kind that a command's process has now, in the order of their numbers."""
    targets = []
    with suppress(psutil.Error):
        for process in psutil.Process(flow).children(recursive=True):
            with suppress(psutil.Error):
                if _is(kind, process, flow=flow):
                    targets.append(process)
    return sorted(targets, key=lambda process: process.pid)


def _is(kind: Literal["worker", "server"], process: psutil.Process, *, flow: int) -> bool:
    words = " ".join(process.cmdline())
    if kind == "server":
        return "infra.api_server" in words and process.ppid() == flow
    if "multiprocessing.spawn" in words:
        return process.ppid() == flow
    # Forked from a process that is the command's child; what workers fork in turn lies deeper.
    parent = process.parent()
    return "multiprocessing.forkserver" in words and parent is not None and parent.ppid() == flow


def kill(process: psutil.Process) -> bool:
    """Send SIGKILL; whether there was still a process to kill."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return False
    return True


def describe(process: psutil.Process) -> str:
    """Give the number and command line of a process."""
    with suppress(psutil.Error):
        return f"{process.pid} {' '.join(process.cmdline())[:120]}"
    return str(process.pid)


def end_orphans(processes_of: Sequence[str], *, seconds: float = ORPHAN_SECONDS) -> tuple[str, ...]:
    """Wait until no process of these marks is left, end those that stay longer, and describe them."""
    deadline = time.monotonic() + seconds
    while (orphans := [process for mark in processes_of for process in marked(mark)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    lines = tuple(describe(process) for process in orphans)
    for process in orphans:
        kill(process)
    psutil.wait_procs(orphans, timeout=5)
    return lines
