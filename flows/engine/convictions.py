"""Images that ended the processes which worked on them: kept, so that a resumed run does not walk into them again."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import ValidationError

from flows.config import TimeLimit
from flows.engine.investigation import Culprit
from tasks.core.file_names import CONVICTIONS
from tasks.core.storage import read_json, write_json
from tasks.core.work import Excluded, Frozen, Partition

ERRORS = {"crash": "ProcessDied", "memory": "OutOfMemory", "time": "TimedOut"}

MESSAGES = {
    "crash": "it ends the process that works on it ({detail}), alone in a fresh one, three times",
    "memory": "working on it takes more memory than a worker has ({detail}), alone in a fresh process, three times; a "
    "run with more memory per worker, such as by fewer --workers, tries it again",
    "time": "working on it does not end within {detail}, alone in a fresh process, three times; a larger "
    "run.time_limit tries it again",
}


class Conviction(Frozen):
    """An image that a task does not touch any more.

    Parameters
    ----------
    image, size, mtime_ns
        Which image it was; a changed file is tried again.
    task
        Name of the task, and a digest of its version and configuration.
    cause, detail
        How its process ended.
    memory_bytes, time_limit
        The limits under which it did; larger ones let it be tried again.
    """

    image: str
    size: int
    mtime_ns: int
    task: str
    cause: Literal["crash", "memory", "time"]
    detail: str
    memory_bytes: int
    time_limit: TimeLimit

    def holds(self, *, memory_bytes: int, time_limit: TimeLimit) -> bool:
        """Whether it holds under the limits of another run."""
        if self.cause == "memory":
            return memory_bytes <= self.memory_bytes
        if self.cause == "time":
            before, now = (list(limit.model_dump().values()) for limit in (self.time_limit, time_limit))
            return all(own <= old for own, old in zip(now, before, strict=True))
        return True

    def excluded(self, position: int) -> Excluded:
        """Return what its task is told."""
        return Excluded(
            position=position,
            stage=self.task.rpartition(" ")[0],
            error=ERRORS[self.cause],
            message=self.reason,
        )

    @property
    def reason(self) -> str:
        """What is told of the image."""
        return MESSAGES[self.cause].format(detail=self.detail)


class Convictions:
    """Those of one output folder.

    Parameters
    ----------
    work
        Its folder of results.
    index
        The run's images: `image`, `size` and `mtime_ns`, in table order.
    memory_bytes, time_limit
        The limits of this run.
    """

    def __init__(self, work: Path, *, index: pl.DataFrame, memory_bytes: int, time_limit: TimeLimit) -> None:
        self._path = work / CONVICTIONS
        self._index = index
        self._time_limit = time_limit
        kept = _read(self._path)
        self._all = [
            conviction for conviction in kept if conviction.holds(memory_bytes=memory_bytes, time_limit=time_limit)
        ]
        self._by_task: dict[str, dict[int, Conviction]] = {}
        if self._all:
            known = ((image, size, mtime) for image, size, mtime in index["image", "size", "mtime_ns"].iter_rows())
            rows = {identity: row for row, identity in enumerate(known)}
            for conviction in self._all:
                row = rows.get((conviction.image, conviction.size, conviction.mtime_ns))
                if row is not None:
                    self._by_task.setdefault(conviction.task, {})[row] = conviction

    def apply(self, task: str, partition: Partition) -> Partition:
        """Return a partition in which a task's images are set aside; most often as it is."""
        own = self._by_task.get(task)
        if not own:
            return partition
        rows = sorted(row for row in own if partition.start <= row < partition.stop)
        return partition.excluding(own[row].excluded(row - partition.start) for row in rows)

    def add(self, task: str, partition: Partition, culprits: Iterable[Culprit]) -> list[Conviction]:
        """Keep what an investigation has found, and return it."""
        added = []
        for culprit in culprits:
            row = partition.start + culprit.position
            image, size, mtime_ns = self._index["image", "size", "mtime_ns"].row(row)
            conviction = Conviction(
                image=image,
                size=size,
                mtime_ns=mtime_ns,
                task=task,
                cause=culprit.cause,
                detail=culprit.detail,
                memory_bytes=culprit.memory_bytes,
                time_limit=self._time_limit,
            )
            self._by_task.setdefault(task, {})[row] = conviction
            added.append(conviction)
        self._all += added
        write_json(self._path, {"convictions": [conviction.model_dump(mode="json") for conviction in self._all]})
        return added


def _read(path: Path) -> Sequence[Conviction]:
    """Read what earlier runs have found; a damaged file means that it has to be found again."""
    try:
        return [Conviction.model_validate(entry) for entry in read_json(path)["convictions"]]
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return []
