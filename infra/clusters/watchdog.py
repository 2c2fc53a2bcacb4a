"""Cancels the jobs of a run whose process is gone, however that went; it runs beside it, in a session of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from infra.clusters.job_states import CannotTell, Kind, cancel, queued_jobs
from infra.scratch import folders_beside
from tasks.core.errors import RunError

COMMAND = ("-m", "infra.clusters.watchdog")
"""What Python runs: this very module."""

WATCH_SECONDS = 2.0
"""How often it looks whether the run is still there."""

SWEEP_SECONDS = 5.0
"""How often it looks for jobs once the run is gone."""

LEAVE_SECONDS, LOOK_SECONDS = 8.0, 0.5
"""How long a run waits at its end for its jobs to leave the queue, and how often it looks."""

LATE_SECONDS = 30.0
"""After the end of a run, a command that submits a job may still be under way for so long."""

LONGEST_SECONDS = 24 * 3600.0
"""For so long it tries where the batch system does not answer."""


@contextmanager
def watchdog(kind: Kind, *, prefix: str, folder: Path) -> Iterator[None]:
    """Within the block jobs are cancelled should this process end; at its end, where none is left, nobody watches.

    Parameters
    ----------
    prefix
        With which the names of the run's jobs begin.
    folder
        Removed with them.

    Raises
    ------
    RunError
        It cannot be started.
    """
    arguments = [kind, prefix, str(os.getpid()), str(folder)]
    started = subprocess.Popen(  # noqa: S603 - see COMMAND
        [sys.executable, *COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if started.stdout is None or not started.stdout.readline():
        raise RunError("what watches over the run's jobs did not start; is this machine out of memory or processes?")
    started.stdout.close()
    try:
        yield
    finally:
        if _all_gone(kind, prefix=prefix, seconds=LEAVE_SECONDS):
            started.kill()
            started.wait()


def _all_gone(kind: Kind, *, prefix: str, seconds: float) -> bool:
    """Cancel all jobs; whether the queue shows none after so long at most."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(CannotTell):  # PBS fails where a job ended while it was asked for
            if not cancel_all(kind, prefix=prefix):
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)


def cancel_all(kind: Kind, *, prefix: str) -> bool:
    """Cancel the jobs whose names begin so; whether there were any.

    Raises
    ------
    CannotTell
        The batch system does not answer.
    """
    numbers = [job.number for job in queued_jobs(kind) if job.name.startswith(prefix)]
    cancel(kind, numbers)
    return bool(numbers)


def _main(kind: Kind, *, prefix: str, parent: int, folder: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are for the run; what is killed with it cannot watch over it
    sys.stdout.write("watching\n")
    sys.stdout.flush()
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    sweep(kind, prefix=prefix, folder=folder)


def sweep(kind: Kind, *, prefix: str, folder: Path) -> None:
    """Remove a process's folders, and cancel jobs until there are none, nor any that are submitted late."""
    for own in (folder, *folders_beside(folder)):
        shutil.rmtree(own, ignore_errors=True)
    end = time.monotonic()
    while time.monotonic() < end + LONGEST_SECONDS:
        try:
            left = cancel_all(kind, prefix=prefix)
        except CannotTell:
            left = True
        if not left and time.monotonic() > end + LATE_SECONDS:
            return
        time.sleep(SWEEP_SECONDS)


if __name__ == "__main__":
    _main(
        cast("Kind", sys.argv[1]),
        prefix=sys.argv[2],
        parent=int(sys.argv[3]),
        folder=Path(sys.argv[4]),
    )
