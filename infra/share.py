"""What of this machine a run may use: all of it, unless it is a job that has a part."""

import os

CORES, MEMORY = "SCIP_CORES", "SCIP_MEMORY"
"""Variables by which a job tells the run in it of its cores, and of bytes for all workers together."""


def own_cores() -> int:
    """Count the cores that this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return _number(CORES) or allowed


def own_memory() -> int | None:
    """Return the bytes that the workers of this process may take; None: nobody says."""
    return _number(MEMORY)


def _number(name: str) -> int | None:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() and int(text) > 0 else None
