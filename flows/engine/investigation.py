"""Which images of a partition end the processes that work on them."""

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Literal

import psutil
from distributed import get_worker
from prefect import task

from flows.engine.pace import TimeBound
from infra.trial import run_apart
from tasks.core.culprits import Death, find_culprits
from tasks.core.work import Excluded, Frozen, Partition, unfinished

MEMORY_SHARE = 0.9
"""Of a worker's memory, what a process may take; Dask ends a worker at 0.95."""


class Culprit(Frozen):
    """An image that ended the process that worked on it alone, three times.

    Parameters
    ----------
    position
        Row within its partition.
    cause, detail
        See `tasks.core.culprits.Death`.
    memory_bytes
        The worker's; a process was allowed `MEMORY_SHARE` of it.
    """

    position: int
    cause: Literal["crash", "memory", "time"]
    detail: str
    memory_bytes: int


@task(name="investigation")
def investigate(
    *, function: str, arguments: Mapping[str, object], folder: str, weights: Sequence[float], bound: TimeBound
) -> list[Culprit]:
    """Bisect a partition, whose tasks died with their workers, in processes of their own.

    Parameters
    ----------
    function
        Module and name of the task that died.
    arguments
        What it was given, `partition` among them.
    folder
        Where its result was to be; beside it results are written that nobody needs.
    weights, bound
        For how many usual images each counts, and what these are granted.

    Raises
    ------
    RunError
        These processes, too, are ended from outside.
    """
    partition = arguments["partition"]
    if not isinstance(partition, Partition):
        raise TypeError(f"{function} works on no partition")
    memory = int(get_worker().memory_manager.memory_limit or psutil.virtual_memory().total)
    excluded = {image.position for image in partition.excluded}
    survived = False

    def attempt(positions: Sequence[int]) -> Death | None:
        nonlocal survived
        others = set(range(partition.images)).difference(positions, excluded)
        hidden = [Excluded(position=position, stage="", error="", message="") for position in others]
        own = partition.excluding([*partition.excluded, *hidden])
        target = unfinished(Path(folder))
        try:
            death = run_apart(
                partial(_work, function, {**arguments, "partition": own, "folder": str(target / Path(folder).name)}),
                memory_bytes=int(MEMORY_SHARE * memory),
                seconds=bound.seconds([weights[position] for position in positions]),
            )
        finally:
            shutil.rmtree(target, ignore_errors=True)
        survived = survived or death is None
        return death

    candidates = [row for row in range(partition.images) if row not in excluded]
    culprits = find_culprits(candidates, attempt)
    # Where not one of several images is done in time, something else is the reason, such as a disk that hangs.
    in_vain = not survived and len(candidates) > 1
    return [
        Culprit(position=position, cause=death.cause, detail=death.detail, memory_bytes=memory)
        for position, death in culprits.items()
        if not (in_vain and death.cause == "time")
    ]


def _work(function: str, arguments: Mapping[str, object]) -> None:
    resolve_name(function).fn(**arguments, run_id="")
