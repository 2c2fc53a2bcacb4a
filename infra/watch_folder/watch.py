"""One look at a watched folder: what is complete and was not started yet, is started."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from infra.watch_folder.acquisitions import acquisitions, has_marker, is_quiet, look
from infra.watch_folder.memory import Known, Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """When an acquisition is complete: once it has a marker, or has been quiet for a while; either is None."""

    marker: str | None
    quiet: timedelta | None


def leave_out_present(memory: Memory, *, folder: Path) -> Memory:
    """Note that what is there already is none of the watch's business."""
    for path in acquisitions(folder):
        memory = memory.noting(path.name, Known(left_out=True))
    return memory


def look_once(
    memory: Memory,
    *,
    folder: Path,
    complete: Complete,
    now: float,
    start: Callable[[Path], str],
    keep: Callable[[Memory], None],
) -> Memory:
    """Look at each acquisition, start what is complete, and return what is known then.

    Parameters
    ----------
    now
        Seconds since 1970.
    start
        Starts the run of an acquisition and returns its identity; what it raises comes out of here.
    keep
        Called after each change, so that nothing is forgotten whatever comes next.
    """
    for path in acquisitions(folder):
        known = memory.known.get(path.name, Known())
        if known.settled:
            continue
        if complete.marker is not None:
            ready = has_marker(path, marker=complete.marker)
        else:
            sight = look(path, before=known.sight, now=now)
            ready = is_quiet(sight, quiet=complete.quiet or timedelta(), now=now)
            if sight != known.sight:
                known = Known(sight=sight)
                memory = memory.noting(path.name, known)
                keep(memory)
        if ready:
            memory = memory.noting(path.name, Known(sight=known.sight, flow_run=start(path)))
            keep(memory)
    return memory
