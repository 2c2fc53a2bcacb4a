"""In the place of a cluster: tasks run in this process when their end is waited for."""

import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.clusters.demand import Demand
from tasks.core.work import StageResult


class Task:
    """Stands where a Prefect task would; what it does, the submitter below does at once."""

    def __init__(self, name: str, does: Any = None) -> None:  # noqa: ANN401
        self.name, self.version, self.does, self.fn = name, "1", does, task


class InProcess:
    """Runs a task when its end is waited for, first in first out."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.most = 0
        self.free = 0
        self.retired: list[str] = []
        self._waiting: deque[tuple[object, Task, Path | None, Mapping[str, object]]] = deque()

    memory_bytes = 10**9

    def ask(self, demand: Demand) -> None:
        del demand

    def slots(self, resources: Mapping[str, float]) -> int:
        del resources
        return self.free

    def retire(self, worker: str) -> None:
        self.retired.append(worker)

    def submit(
        self,
        ticket: object,
        task: Task,
        *,
        name: str,
        folder: Path | None,
        arguments: Mapping[str, object],
        **_: object,
    ) -> None:
        self.sent.append(name)
        self._waiting.append((ticket, task, folder, arguments))
        self.most = max(self.most, len(self._waiting))

    def answer(self, ticket: object, outcome: object, *, name: str) -> None:
        """End a task with something at once."""

        def end(_: object) -> object:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        InProcess.submit(self, ticket, Task("", end), name=name, folder=None, arguments={})

    def next_done(self, *, seconds: float | None) -> tuple[object, Any] | None:
        if not self._waiting:
            time.sleep(seconds or 0)
            return None
        ticket, task, folder, arguments = self._waiting.popleft()
        try:
            counts = task.does(arguments) if task.does else {}
        except Exception as error:  # noqa: BLE001
            return ticket, error
        if folder is None:
            return ticket, counts
        return ticket, StageResult(
            key=folder.name, folder=str(folder), counts=counts, seconds=0, peak_bytes=0, run_id="me"
        )


def task(name: str, does: Any = None) -> Any:  # noqa: ANN401
    """Make a task that does something with its arguments."""
    return Task(name, does)
