"""Tasks that no worker would have done before the job in which it runs ends: refused, with both figures."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from flows.engine.submission import Resources
from infra.clusters.pool import Pool
from tasks.core.errors import RunError
from tasks.core.work import Partition

KEY_LENGTH = len(f"-{uuid4()}")
"""Of what Dask's key of a task has behind the task's name."""


def refused(
    task: str, partition: Partition, *, seconds: float | None, resources: Resources, pools: Sequence[Pool]
) -> RunError | None:
    """Say why a task is not to be sent, if its forecast exceeds walltime minus margin of every pool that could take it.

    Parameters
    ----------
    seconds
        What it is expected to take; None where nothing is known.
    pools
        Of a batch system; on other clusters, which have none, tasks may take as long as they like.
    """
    fit = [pool for pool in pools if all(pool.offer.get(name, 0) >= amount for name, amount in resources.items())]
    if seconds is None or not fit or seconds <= max(map(_life, fit)):
        return None
    pool = max(fit, key=_life)
    images = max(int(partition.images * _life(pool) / seconds), 1)
    return RunError(
        f"{task} of images {partition.start + 1}–{partition.stop} is expected to take {_time(seconds)}, by what others "
        f"took; jobs of pool {pool.name} end after {_time(pool.walltime.total_seconds())}, less a margin of "
        f"{_time(pool.margin.total_seconds())}: give the pool a longer walltime, which keeps what is finished, or set "
        f"run.partition_size to {images} or less"
    )


def watch_outlasting(pools: Sequence[Pool], *, give_up: Callable[[RunError], None]) -> Callable[[Any], None]:
    """Return what takes in events of tasks that were not done when their worker's life was over.

    Dask begins such a task anew, in silence. One that had all of a worker's life would be begun anew for ever; before
    any of its stage is done there is no forecast that would tell.

    Parameters
    ----------
    give_up
        Is handed the reason.
    """

    def take_in(event: tuple[float, Mapping[str, Any]]) -> None:
        _, told = event
        pool = max((pool for pool in pools if pool.offer == told["offer"]), key=_life, default=None)
        if pool is None or told["seconds"] < (pool.lifetime - pool.stagger).total_seconds():
            return
        give_up(
            RunError(
                f"{told['task'][:-KEY_LENGTH]}: a task had a worker of pool {pool.name} for {_time(told['seconds'])}, "
                f"all of its life, and was not done; jobs of this pool end after "
                f"{_time(pool.walltime.total_seconds())}, less a margin of {_time(pool.margin.total_seconds())}: give "
                "it a longer walltime, which keeps what is finished, or set a smaller run.partition_size; where an "
                "image is never done, a smaller run.time_limit finds it"
            )
        )

    return take_in


def _life(pool: Pool) -> float:
    """Seconds for which the longest-lived of its workers may be at a task."""
    return (pool.walltime - pool.margin).total_seconds()


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 300 else f"{seconds:.0f} s"
