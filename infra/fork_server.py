"""The process that workers of this machine are forked from, so that they share what all of them import."""

import multiprocessing
import sys
from multiprocessing import forkserver
from pathlib import Path

from infra.environment import environment
from infra.scratch import scratch_folder

FORKS = sys.platform == "linux"
"""Elsewhere workers are started anew, each with imports of its own: Apple's libraries do not endure a fork."""

LONGEST = 85
"""Characters of a folder in which the name of a socket, of which 107 are allowed, has room."""

SHORT = Path("/tmp")  # noqa: S108 - a folder of this user's alone is made in it
"""Where sockets lie where the folder for temporary files, as a batch system may set it, has a longer name."""


def start_fork_server() -> None:
    """Start it, unless it runs, and do not wait until it is ready: it goes on importing beside this process.

    It keeps the environment of this moment, and ends with this process.
    """
    if FORKS:
        temporary = folder = str(scratch_folder())
        if len(folder) >= LONGEST:
            folder = str(scratch_folder(SHORT))
        # Otherwise multiprocessing makes a folder of its own, which stays where this process is killed.
        multiprocessing.current_process()._config["tempdir"] = folder  # type: ignore[attr-defined]  # noqa: SLF001
        multiprocessing.get_context("forkserver").set_forkserver_preload(["infra.forked"])
        with environment({"TMPDIR": temporary}):  # what a process that is killed leaves there goes with this one
            forkserver.ensure_running()
