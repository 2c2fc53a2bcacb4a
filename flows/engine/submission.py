"""How tasks get to the workers: through Prefect, which tries them again and remembers what is finished, and Dask."""

import math
import queue
import time
from asyncio import CancelledError
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError as FutureCancelledError
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import dask
import psutil
from distributed import Client, KilledWorker
from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.context import TaskRunContext
from prefect.exceptions import CrashedRun
from prefect.futures import PrefectFuture
from prefect.states import Crashed
from prefect.tasks import exponential_backoff

from flows.engine.descriptors import settle_descriptor
from flows.engine.lock import LOCK
from infra.by_name import varied
from infra.clusters.demand import Demand
from infra.runner import time_limit
from tasks.core.errors import RunError, UserError
from tasks.core.storage_errors import StorageError, check_reachable
from tasks.core.work import RESULTS

Resources = Mapping[str, float]
"""Dask resources that a task needs."""


class Submitter(Protocol):
    """Runs tasks elsewhere."""

    @property
    def memory_bytes(self) -> int:
        """Memory of the smallest worker."""

    def slots(self, resources: Resources) -> int:
        """How many tasks that need these resources run at a time."""

    def ask(self, demand: Demand) -> None:
        """Say what there is to do besides what was submitted, so that there may be more workers."""

    def submit(
        self,
        ticket: object,
        task: Task[..., Any],
        *,
        name: str,
        folder: Path | None,
        resources: Resources,
        arguments: Mapping[str, object],
        seconds: float | None,
    ) -> None:
        """Send a task; `folder` names a result that is kept, `seconds` limits how long it runs."""

    def retire(self, worker: str) -> None:
        """Have the worker of that address end; what waits there goes to others."""

    def next_done(self, *, seconds: float | None) -> tuple[object, Any] | None:
        """Wait for any task to end, and return its ticket and what it returned, or the error that it ended with.

        A task whose worker died ends with `WorkerDiedError`; None if none ends for so long.
        """


class WorkerDiedError(Exception):
    """The worker that had a task is gone, or the task was lost on the way.

    Parameters
    ----------
    deaths
        How many workers died; schedulers that others started try a task again by themselves.
    """

    def __init__(self, message: str, *, deaths: int = 1) -> None:
        super().__init__(message)
        self.deaths = deaths


LOST = (KilledWorker, CancelledError, FutureCancelledError, CrashedRun)
"""How Dask and Prefect tell of it."""

LOOK_SECONDS = 5.0
"""How old what is known of the workers may be."""


class PrefectSubmitter:
    """Submits to the task runner of the flow run in which it is used.

    Where a result's folder exists, Prefect answers from the persisted descriptor and the task does not run; where it is
    gone, the descriptor is not believed.

    Parameters
    ----------
    client
        Of the Dask cluster.
    storage
        Folder of the persisted descriptors.
    run_id
        Name of this run.
    retries
        How often a failed task is tried again, after a growing, jittered pause.
    memory_bytes
        Memory of the smallest worker, where that is known before there is any.
    ask
        Takes what there is to do besides what was submitted.
    """

    def __init__(
        self,
        client: Client,
        *,
        storage: Path,
        run_id: str,
        retries: int,
        memory_bytes: int | None,
        ask: Callable[[Demand], None],
    ) -> None:
        self.ask = ask
        self._memory_bytes = memory_bytes
        self._client = client
        self._storage = storage
        self._run_id = run_id
        self._retries = retries
        self._done: queue.SimpleQueue[tuple[object, PrefectFuture[Any] | Exception]] = queue.SimpleQueue()
        self._tasks: dict[tuple[Task[..., Any], bool], Task[..., Any]] = {}
        self._workers: list[Mapping[str, Any]] = []
        self._looked = -math.inf

    @property
    def memory_bytes(self) -> int:
        """Memory of the smallest worker."""
        if self._memory_bytes is not None:
            return self._memory_bytes
        return min((worker["memory_limit"] or psutil.virtual_memory().total for worker in self._look()), default=0)

    def slots(self, resources: Resources) -> int:
        """How many tasks that need these resources run at a time."""
        offers = (worker.get("resources", {}) for worker in self._look())
        return sum(
            int(min((offer.get(name, 0) // amount for name, amount in resources.items()), default=1))
            for offer in offers
        )

    def _look(self) -> list[Mapping[str, Any]]:
        now = time.monotonic()
        if now > self._looked + LOOK_SECONDS:
            self._looked = now
            self._workers = list(self._client.scheduler_info(n_workers=-1)["workers"].values())
        return self._workers

    def submit(
        self,
        ticket: object,
        task: Task[..., Any],
        *,
        name: str,
        folder: Path | None,
        resources: Resources,
        arguments: Mapping[str, object],
        seconds: float | None,
    ) -> None:
        """Send a task; `folder` names a result that is kept, `seconds` limits how long it runs.

        Raises
        ------
        StorageError
            The output folder is gone.
        """
        check_reachable(self._storage.parent / LOCK)
        if folder is not None:
            arguments = {**arguments, "folder": str(folder), "run_id": self._run_id}
        refresh = folder is not None and not folder.is_dir()
        configured = varied(self._configured(task, kept=folder is not None), task_run_name=name, refresh_cache=refresh)
        with dask.annotate(resources=dict(resources)), time_limit(seconds):
            future = configured.submit(**arguments)
        future.add_done_callback(lambda ended: self._done.put((ticket, ended)))

    def _configured(self, task: Task[..., Any], *, kept: bool) -> Task[..., Any]:
        """Give a task the options of all tasks of the run, once; those whose results are kept have more."""
        if (task, kept) not in self._tasks:
            persistence: dict[str, Any] = (
                {"result_storage": self._storage, "result_serializer": "json", "cache_key_fn": _cache_key}
                if kept
                else {"cache_policy": NO_CACHE}
            )
            self._tasks[task, kept] = task.with_options(
                persist_result=kept,
                retries=self._retries,
                retry_delay_seconds=exponential_backoff(backoff_factor=1),
                retry_jitter_factor=1,
                retry_condition_fn=_may_pass,
                **persistence,
            )
        return self._tasks[task, kept]

    def retire(self, worker: str) -> None:
        """Have the worker of that address end; what waits there goes to others."""
        self._client.retire_workers([worker], close_workers=True)
        self._looked = -math.inf

    def interrupt(self, error: Exception) -> None:
        """Let `next_done` raise an error; callable from any thread."""
        self._done.put((None, error))

    def next_done(self, *, seconds: float | None) -> tuple[object, Any] | None:
        """Wait for any task to end.

        Raises
        ------
        RunError
            The scheduler is gone.
        """
        try:
            ticket, future = self._done.get(timeout=seconds)
        except queue.Empty:
            return None
        if isinstance(future, Exception):
            raise future
        try:
            return ticket, future.result()
        except LOST as error:
            if self._client.status != "running":
                raise RunError(
                    f"the Dask scheduler is gone ({self._client.status}); what is finished is kept, the "
                    "same command goes on from there"
                ) from error
            self._looked = -math.inf
            _record_crash(future.task_run_id)
            deaths = error.allowed_failures + 1 if isinstance(error, KilledWorker) else 1
            return ticket, WorkerDiedError(f"{type(error).__name__}: {error}", deaths=deaths)
        except Exception as error:  # noqa: BLE001 - a task's own error
            return ticket, error


def _record_crash(task_run_id: UUID) -> None:
    """Close a task run whose worker could not; Prefect would show it as running for ever."""
    with suppress(Exception), get_client(sync_client=True) as client:
        client.set_task_run_state(task_run_id, Crashed(message="its worker died"), force=True)


def _cache_key(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    del context
    folder = Path(parameters["folder"])
    name = f"{folder.parent.name}-{folder.name}"
    settle_descriptor(folder.parents[1] / RESULTS / name, folder=folder)
    return name


def _may_pass(task: object, run: object, state: Any) -> bool:  # noqa: ANN401 - prefect's State of any type
    """Whether to try again: not what the user has to mend, such as a full disk; a network mount may answer again."""
    del task, run
    error = state.result(raise_on_failure=False)
    return (
        error.passing if isinstance(error, StorageError) else not isinstance(error, (UserError, RunError, MemoryError))
    )
