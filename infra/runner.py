"""The Prefect task runner on a Dask cluster."""

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from functools import cached_property, lru_cache, wraps
from typing import Any
from uuid import uuid4

from distributed import Client, Future, futures_of
from distributed.protocol.pickle import dumps
from prefect import Flow, Task
from prefect import tags as with_tags
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext, SettingsContext, TagsContext, ensure_logging_setup
from prefect.states import Completed
from prefect.task_engine import run_task_sync
from prefect.utilities.engine import collect_task_run_inputs_sync
from prefect_dask import DaskTaskRunner
from prefect_dask.task_runners import PrefectDaskFuture

from infra.by_name import travel_by_name, varied
from infra.deadline import deadline
from tasks.core.errors import RunError
from tasks.core.result_message import result_message
from tasks.core.work import StageResult


class TaskRunner(DaskTaskRunner):
    """Submits tasks of functions that are not coroutines, at a fifth of the cost.

    Prefect-dask writes all of Prefect's settings, the flow and its run into each task, from which the worker builds
    them anew, and a function of its own, which is pickled by value. Here those are written once for a flow run, a
    worker reads them once, the function is `run_task`, and tasks travel by name. Dask, for its part, would digest
    arguments, pickles and settings to find that no two tasks are equal, which they never are: each has an identity of
    its own, and its name is made of that. And its scheduler would build all arguments that hold no future, for nothing.
    """

    @cached_property
    def _surroundings(self) -> bytes:
        """Of the flow run that this runner serves."""
        travel_by_name()
        settings, flow = SettingsContext.get(), FlowRunContext.get()
        if settings is None or flow is None:
            raise RunError("a task was submitted outside of a flow; call a flow, which submits it")
        known = flow.serialize() | {"flow": without_function(flow.flow)}
        written: bytes = dumps(_Surroundings(settings=settings.serialize(), flow_run=known))
        return written

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
        linked = {name: value for name, value in arguments.items() if futures_of(value)}
        future = Client.submit(
            self.client,
            run_task,
            key=f"{task.name}-{number}",
            surroundings=self._surroundings,
            seconds=_seconds.get(),
            tags=TagsContext.get().current_tags,
            task_run_id=number,
            packed=dumps((task, {name: value for name, value in arguments.items() if name not in linked})),
            linked=linked,
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


def run_task(
    *,
    surroundings: bytes,
    packed: bytes,
    linked: Mapping[str, object],
    seconds: float | None,
    tags: Iterable[str],
    **options: Any,  # noqa: ANN401 - of Prefect's engine
) -> object:
    """Run a task in a worker, under the settings, in the run and with the tags of the flow."""
    settings, flow_run = _contexts(surroundings)
    task, arguments = pickle.loads(packed)  # noqa: S301 - the flow wrote it
    with settings.model_copy(), flow_run.model_copy(), with_tags(*tags), deadline(seconds):  # each is entered once
        telling = varied(task, fn=_telling(task.fn))
        return run_task_sync(task=telling, parameters={**arguments, **linked}, **options)


def _telling(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a task's state, which Prefect shows and logs, say what its result counted; the result is the same."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401 - the function's own
        result = function(*args, **kwargs)
        if isinstance(result, StageResult) and (message := result_message(result)):
            return Completed(message=message, data=result)
        return result

    return call


def without_function(flow: Flow[..., Any] | None) -> Flow[..., Any] | None:
    """Copy a flow without its own function, of which tasks need nothing.

    A flow that a deployment loads from a file is in a module that workers do not know by that name.
    """
    if flow is None:
        return None
    bare = copy(flow)
    vars(bare).update(fn=_done_elsewhere, __wrapped__=_done_elsewhere)
    return bare


def _done_elsewhere() -> None:
    """Stand for the function of a flow of which this process does tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surroundings:
    """What Prefect writes down of its settings and of a flow run."""

    settings: dict[str, Any]
    flow_run: dict[str, Any]


@lru_cache(maxsize=4)
def _contexts(surroundings: bytes) -> tuple[SettingsContext, FlowRunContext]:
    """Build what Prefect builds for every task."""
    written: _Surroundings = pickle.loads(surroundings)  # noqa: S301 - the flow wrote it
    settings = SettingsContext(**written.settings)
    with settings.model_copy():
        ensure_logging_setup()
        runner = written.flow_run["flow"].task_runner.duplicate()
        client = get_client(sync_client=True)
        return settings, FlowRunContext(**written.flow_run, client=client, task_runner=runner, detached=True)
