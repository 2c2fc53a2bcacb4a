"""The Prefect task runner on a Dask cluster."""

import pickle
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, lru_cache
from typing import Any
from uuid import uuid4

from distributed import Client, Future
from prefect import Task
from prefect.context import FlowRunContext, SettingsContext, TagsContext
from prefect.task_engine import run_task_sync
from prefect.utilities.engine import collect_task_run_inputs_sync
from prefect_dask import DaskTaskRunner
from prefect_dask.task_runners import PrefectDaskFuture

from infra.deadline import deadline
from tasks.core.errors import RunError


class TaskRunner(DaskTaskRunner):
    """Submits tasks of functions that are not coroutines, at a third of the cost.

    Prefect-dask writes all of Prefect's settings into each task, from which the worker builds them anew, and a function
    of its own, which is pickled by value. Here the settings are written once, a worker reads them once, and the
    function is `run_task`. Dask, for its part, would digest arguments, pickles and settings to find that no two tasks
    are equal, which they never are: each has an identity of its own, and its name is made of that.
    """

    @cached_property
    def _settings(self) -> bytes:
        settings = SettingsContext.get()
        if settings is None:
            raise RunError("Prefect has no settings; call a flow, which has")
        return pickle.dumps(settings.serialize())

    def submit(  # type: ignore[override] # one signature in place of overloads
        self,
        task: Task[..., Any],
        parameters: Mapping[str, Any],
        wait_for: Iterable[Any] | None = None,
        dependencies: Mapping[str, set[Any]] | None = None,
    ) -> PrefectDaskFuture[Any]:
        """Submit a task.

        Parameters
        ----------
        task, parameters
            The task and its arguments.
        wait_for, dependencies
            Futures that must be done first; what Prefect records as the task's inputs.
        """
        number = uuid4()
        arguments = self._optimize_futures(parameters)
        inputs = {
            name: collect_task_run_inputs_sync(value, future_cls=Future) | (dependencies or {}).get(name, set())
            for name, value in arguments.items()
        }
        future = Client.submit(
            self.client,
            run_task,
            key=f"{task.name}-{number}",
            settings=self._settings,
            seconds=_seconds.get(),
            context=_flow_context(),
            task=task,
            task_run_id=number,
            parameters=arguments,
            wait_for=self._optimize_futures(wait_for) if wait_for else None,
            return_type="state",
            dependencies=inputs,
        )
        return PrefectDaskFuture(wrapped_future=future, task_run_id=number)


_seconds: ContextVar[float | None] = ContextVar("seconds", default=None)


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Within the block tasks are submitted that may take so long; a worker whose task takes longer ends itself."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


def run_task(*, settings: bytes, seconds: float | None, **arguments: Any) -> object:  # noqa: ANN401 - of Prefect's engine
    """Run a task in a worker, under the settings of the flow."""
    with _settings_context(settings).model_copy(), deadline(seconds):  # a context is entered once
        return run_task_sync(**arguments)


@lru_cache(maxsize=4)
def _settings_context(settings: bytes) -> SettingsContext:
    return SettingsContext(**pickle.loads(settings))  # noqa: S301 - the flow wrote it


def _flow_context() -> dict[str, Any]:
    """Write down the flow run that a task belongs to, as Prefect does, without the settings."""
    flow, tags = FlowRunContext.get(), TagsContext.get()
    return {"flow_run_context": flow.serialize() if flow else {}, "tags_context": tags.serialize()}
