"""A function run in a process of its own, which may die."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from infra.deadline import deadline
from infra.fork_server import FORKS
from tasks.core.culprits import Death
from tasks.core.errors import RunError

LOOK_SECONDS = 0.02
"""How often the memory of the process is looked at."""

START_SECONDS = 120.0
"""Time that a process may take to start, on a loaded machine; it is not held against what it runs."""

END_SECONDS = 10.0
"""Time that a process may take to end once it says nothing any more."""

SERVER_GONE = 255
"""What multiprocessing says where the fork server is gone, which alone knows the status."""

DISTURBANCES = 5
"""Ends from outside after which it is not tried again."""

FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
"""Signals that no code sends itself by mistake."""


class _DisturbedError(Exception):
    """The process was ended from outside, which tells nothing about what it ran."""


def run_apart(function: Callable[[], object], *, memory_bytes: int, seconds: float) -> Death | None:
    """Run a function in a fresh process, and tell how that ended where it did not end well.

    An exception that the function raises is not a death. An end from outside tells nothing: the function is run again.

    Parameters
    ----------
    function
        Of a module that can be imported, with arguments that can be pickled.
    memory_bytes, seconds
        Resident memory and wall time at which the process is killed.

    Raises
    ------
    RunError
        It was ended from outside `DISTURBANCES` times.
    """
    reasons = []
    for _ in range(DISTURBANCES):
        try:
            return _run(function, memory_bytes=memory_bytes, seconds=seconds)
        except _DisturbedError as error:
            reasons.append(str(error))
    raise RunError(
        f"a process that looks for an image which ends workers was itself ended from outside {DISTURBANCES} times "
        f"({', '.join(dict.fromkeys(reasons))}); is this machine short of memory?"
    )


def _run(function: Callable[[], object], *, memory_bytes: int, seconds: float) -> Death | None:
    context = multiprocessing.get_context("forkserver") if FORKS else multiprocessing.get_context("spawn")
    if FORKS:  # a worker has a fork server of its own, from which processes inherit what all import
        context.set_forkserver_preload(["infra.forked"])
    receiving, sending = context.Pipe(duplex=False)
    # Dask's own workers are daemons, which may have no children unless they say that they are none.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]  # noqa: SLF001
    process = context.Process(target=_child, args=(sending, function, seconds), daemon=True)
    process.start()
    sending.close()
    try:
        messages, limit = _watch(process.pid or 0, receiving, memory_bytes=memory_bytes, seconds=seconds)
        if limit is None and messages:
            process.join(END_SECONDS)  # its exit status is worth waiting for
    finally:
        if never_ready := process.is_alive():
            process.kill()
        process.join()
        receiving.close()
    if limit is not None:
        return limit
    if "done" in messages:
        return None
    if "memory" in messages:
        return Death("memory", f"{memory_bytes / 1e9:.1f} GB")
    code = process.exitcode or 0
    detail = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    if "started" not in messages:
        raise _DisturbedError(f"not ready within {START_SECONDS:.0f} s" if never_ready else f"{detail} at its start")
    if (code < 0 and -code in FROM_OUTSIDE) or code == SERVER_GONE:
        raise _DisturbedError(detail)
    return Death("crash", detail)


def _watch(pid: int, receiving: Connection, *, memory_bytes: int, seconds: float) -> tuple[list[str], Death | None]:
    """Take what a process says until it has done, has ended, or is over a limit."""
    messages: list[str] = []
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            if receiving.poll(LOOK_SECONDS):
                messages.append(receiving.recv())
                if messages[-1] != "started":
                    return messages, None
                until = time.monotonic() + seconds
            elif psutil.Process(pid).memory_info().rss > memory_bytes:
                return messages, Death("memory", f"{memory_bytes / 1e9:.1f} GB")
        except (EOFError, OSError, psutil.Error):  # it has ended
            return messages, None
    return messages, Death("time", f"{seconds:.0f} s") if messages else None


def _child(sending: Connection, function: Callable[[], object], seconds: float) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if sys.platform == "linux":  # where memory is short, this process goes first
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    sending.send("started")
    try:
        with deadline(seconds + END_SECONDS):  # its parent may be gone, and code may keep that thread from running
            function()
    except MemoryError:
        sending.send("memory")
    except Exception:  # noqa: BLE001 - the function's own affair; it did not end the process
        sending.send("done")
    else:
        sending.send("done")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
