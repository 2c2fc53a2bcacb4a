"""How tasks get to the workers: through Prefect, which tries them again and remembers what is finished, and Dask."""

import queue
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import dask
from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext
from prefect.futures import PrefectFuture
from prefect.tasks import exponential_backoff

from flows.engine.descriptors import discard_foreign
from tasks.core.errors import RunError, UserError
from tasks.core.work import RESULTS

Resources = Mapping[str, float]
"""Dask resources that a task needs."""


class Submitter(Protocol):
    """Runs tasks elsewhere."""

    def submit(
        self,
        ticket: object,
        task: Task[..., Any],
        *,
        name: str,
        folder: Path | None,
        resources: Resources,
        arguments: Mapping[str, object],
    ) -> None:
        """Send a task; `folder` names a result that is kept."""

    def next_done(self) -> tuple[object, Any]:
        """Wait for any task to end, and return its ticket and what it returned, or the error that it ended with."""


class PrefectSubmitter:
    """Submits to the task runner of the flow run in which it is used.

    Where a result's folder exists, Prefect answers from the persisted descriptor and the task does not run; where it is
    gone, the descriptor is not believed.

    Parameters
    ----------
    storage
        Folder of the persisted descriptors.
    run_id
        Name of this run.
    retries
        How often a failed task is tried again, after a growing, jittered pause.
    """

    def __init__(self, *, storage: Path, run_id: str, retries: int) -> None:
        self._storage = storage
        self._run_id = run_id
        self._retries = retries
        self._done: queue.SimpleQueue[tuple[object, PrefectFuture[Any] | Exception]] = queue.SimpleQueue()

    def submit(
        self,
        ticket: object,
        task: Task[..., Any],
        *,
        name: str,
        folder: Path | None,
        resources: Resources,
        arguments: Mapping[str, object],
    ) -> None:
        """Send a task; `folder` names a result that is kept."""
        configured = task.with_options(
            task_run_name=name,
            persist_result=False,
            cache_policy=NO_CACHE,
            retries=self._retries,
            retry_delay_seconds=exponential_backoff(backoff_factor=1),
            retry_jitter_factor=1,
            retry_condition_fn=_may_pass,
        )
        if folder is not None:
            configured = configured.with_options(
                persist_result=True,
                result_storage=self._storage,
                result_serializer="json",
                cache_key_fn=_cache_key,
                refresh_cache=not folder.is_dir(),
            )
            arguments = {**arguments, "folder": str(folder), "run_id": self._run_id}
        with dask.annotate(resources=dict(resources)):
            future = configured.submit(**arguments)
        future.add_done_callback(lambda ended: self._done.put((ticket, ended)))

    def interrupt(self, error: Exception) -> None:
        """Let `next_done` raise an error; callable from any thread."""
        self._done.put((None, error))

    def next_done(self) -> tuple[object, Any]:
        """Wait for any task to end."""
        ticket, future = self._done.get()
        if isinstance(future, Exception):
            raise future
        try:
            return ticket, future.result()
        except Exception as error:  # noqa: BLE001 - a task's own error, or Dask's when its worker was killed
            return ticket, error


def _cache_key(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    del context
    folder = Path(parameters["folder"])
    name = f"{folder.parent.name}-{folder.name}"
    discard_foreign(folder.parents[1] / RESULTS / name, key=folder.name)
    return name


def _may_pass(task: object, run: object, state: Any) -> bool:  # noqa: ANN401 - prefect's State of any type
    """Whether to try again: not what the user has to mend."""
    del task, run
    return not isinstance(state.result(raise_on_failure=False), (UserError, RunError))
