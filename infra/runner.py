"""The Prefect task runner on a Dask cluster."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from prefect import Task
from prefect_dask import DaskTaskRunner
from prefect_dask.task_runners import PrefectDaskFuture


class TaskRunner(DaskTaskRunner):
    """Submits tasks under names of their own.

    Otherwise Dask digests each task's arguments, its function's pickle and Prefect's settings (100 ms) to find that no
    two are equal, which they never are: each carries the identity of its task run.
    """

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
        future = self.client.submit(  # type: ignore[no-untyped-call]
            task,
            key=f"{task.name}-{uuid4()}",
            parameters=self._optimize_futures(parameters),
            wait_for=self._optimize_futures(wait_for) if wait_for else None,
            dependencies=dependencies,
            return_type="state",
        )
        return PrefectDaskFuture(wrapped_future=future, task_run_id=future.task_run_id)
