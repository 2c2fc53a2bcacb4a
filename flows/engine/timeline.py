"""Which worker did what, and when: the records of a run's tasks, for `python -m flows.timeline`."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from tasks.core.file_names import TIMELINE
from tasks.core.storage import atomic
from tasks.core.storage_errors import check_reachable
from tasks.core.work import StageResult

SCHEMA = pl.Schema(
    {
        "stage": pl.String,
        "task": pl.Int64,
        "resources": pl.String,
        "worker": pl.String,
        "host": pl.String,
        "started": pl.Float64,
        "ended": pl.Float64,
        "peak_bytes": pl.Int64,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """A task that a worker did in this run.

    Parameters
    ----------
    task
        Number of the task in its stage, from 0: of its partition, where it has one.
    resources
        Dask resources that it needed, such as ``GPU``.
    started, ended
        Seconds since 1970, by the clock of the worker's machine.
    peak_bytes
        Most memory that the worker has had until then; 0 where that is not known.
    """

    stage: str
    task: int
    resources: str
    worker: str
    host: str
    started: float
    ended: float
    peak_bytes: int = 0

    @classmethod
    def of(cls, result: StageResult, *, stage: str, task: int, resources: Mapping[str, float]) -> "TaskRecord":
        """Return what a result tells of its task; of each name there is one copy, however many tasks."""
        return cls(
            stage=stage,
            task=task,
            resources=sys.intern(" ".join(f"{name}:{n:g}" if n != 1 else name for name, n in resources.items())),
            worker=sys.intern(result.worker),
            host=sys.intern(result.host),
            started=result.started,
            ended=result.started + result.seconds,
            peak_bytes=result.peak_bytes,
        )


def write_timeline(work: Path, records: Iterable[TaskRecord]) -> None:
    """Write the records of a run, in the place of those of the last one that did anything.

    Raises
    ------
    StorageError
        The disk is full, read-only or gone.
    """
    rows = [asdict(record) for record in records]
    if rows:
        check_reachable(work)
        with atomic(work / TIMELINE) as temporary:
            pl.DataFrame(rows, schema=SCHEMA).sort("started").write_parquet(temporary)
