"""The process that workers of this machine are forked from, so that they share what all of them import."""

import multiprocessing
import sys
from multiprocessing import forkserver

FORKS = sys.platform == "linux"
"""Elsewhere workers are started anew, each with imports of its own: Apple's libraries do not endure a fork."""


def start_fork_server() -> None:
    """Start it, unless it runs, and do not wait until it is ready: it goes on importing beside this process.

    It keeps the environment of this moment, and ends with this process.
    """
    if FORKS:
        multiprocessing.get_context("forkserver").set_forkserver_preload(["infra.forked"])
        forkserver.ensure_running()
