"""How a stage's tasks are run: on the workers they need, tried again when they fail, and not at all when finished."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import dask
from prefect import Task
from prefect.context import TaskRunContext
from prefect.futures import PrefectFuture, as_completed
from prefect.tasks import exponential_backoff

from flows.progress import NoProgress, Progress
from tasks.core.errors import RunError, UserError
from tasks.core.work import Frozen, Made

R = TypeVar("R")
Resources = Mapping[str, float]


class StageCount(Frozen):
    """How many tasks of a stage ran in this run, how many results were kept from an earlier one, and wall time."""

    computed: int
    kept: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A finished task's digest, the folder of what it made, and what it counted."""

    key: str
    folder: str
    made: Made

    @property
    def state(self) -> tuple[str, str]:
        """What later stages depend on: all that went into the result, and the pixels that were read for it."""
        return self.key, self.made.digest


class Stages:
    """Runs the tasks of one run, stage by stage.

    A result is a folder ``work/<stage>/<key>``, the key being the digest of everything that it depends on. Where it
    exists, Prefect answers from the persisted descriptor and the task does not run; where it is gone, the descriptor
    is not believed.

    Parameters
    ----------
    work
        Folder of the stages' own files.
    run
        Name of this run.
    retries
        How often a failed task is tried again, after a growing, jittered pause.
    progress
        Told about every finished task.
    """

    def __init__(self, *, work: Path, run: str, retries: int, progress: Progress) -> None:
        self._work = work
        self._run = run
        self._retries = retries
        self.progress = progress
        self.counts: dict[str, StageCount] = {}

    def silent(self) -> "Stages":
        """Return the same stages without progress of their own, for a part of something larger that shows its own."""
        same = Stages(work=self._work, run=self._run, retries=self._retries, progress=NoProgress())
        same.counts = self.counts
        return same

    def folder(self, stage: str) -> Path:
        """Folder of a stage's results, each in a folder named by its key."""
        return self._work / stage.replace(" ", "-")

    def map(
        self,
        stage: str,
        task: Task[..., Made],
        *,
        keys: Sequence[str],
        each: Sequence[Mapping[str, object]],
        resources: Resources,
        **common: object,
    ) -> list[Result]:
        """Run a stage's tasks, one per key, each on a worker with the given resources.

        Parameters
        ----------
        keys, each
            Digest, and arguments of its own, per task.
        common
            Arguments that all tasks share.

        Returns
        -------
        Results in the order of the keys.

        Raises
        ------
        RunError
            A task failed in spite of its retries; the others were finished first and are kept.
        """
        folders = [str(self.folder(stage) / key) for key in keys]
        start = time.perf_counter()
        with self.progress.stage(stage, total=len(keys)) as counter:
            futures: list[PrefectFuture[Made]] = []
            for key, folder, own in zip(keys, folders, each, strict=True):
                configured = self._configured(task, name=f"{stage} {key[:8]}").with_options(
                    persist_result=True,
                    result_serializer="json",
                    cache_key_fn=_cache_key,
                    refresh_cache=not Path(folder).is_dir(),
                )
                with dask.annotate(resources=dict(resources)):
                    futures.append(configured.submit(folder=folder, run=self._run, **own, **common))
            for _ in as_completed(futures):
                counter.advance()
            made = _results(stage, futures)
        computed = sum(one.run == self._run for one in made)
        self._count(stage, computed=computed, kept=len(made) - computed, since=start)
        return [Result(key=key, folder=folder, made=one) for key, folder, one in zip(keys, folders, made, strict=True)]

    def once(self, stage: str, task: Task[..., R], *, resources: Resources, **arguments: object) -> R:
        """Run a task that is done anew in every run."""
        start = time.perf_counter()
        with self.progress.stage(stage, total=1) as counter:
            with dask.annotate(resources=dict(resources)):
                future = self._configured(task, name=stage).submit(**arguments)
            (result,) = _results(stage, [future])
            counter.advance()
        self._count(stage, computed=1, kept=0, since=start)
        return result

    def _configured(self, task: Task[..., R], *, name: str) -> Task[..., R]:
        return task.with_options(
            task_run_name=name,
            persist_result=False,
            retries=self._retries,
            retry_delay_seconds=exponential_backoff(backoff_factor=1),
            retry_jitter_factor=1,
            retry_condition_fn=_may_pass,
        )

    def _count(self, stage: str, *, computed: int, kept: int, since: float) -> None:
        before = self.counts.get(stage, StageCount(computed=0, kept=0, seconds=0))
        self.counts[stage] = StageCount(
            computed=before.computed + computed,
            kept=before.kept + kept,
            seconds=before.seconds + time.perf_counter() - since,
        )


def _cache_key(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    del context
    folder = Path(parameters["folder"])
    return f"{folder.parent.name}-{folder.name}"


def _may_pass(task: object, run: object, state: Any) -> bool:  # noqa: ANN401 - prefect's State of any type
    """Whether to try again: not what the user has to mend."""
    del task, run
    return not isinstance(state.result(raise_on_failure=False), (UserError, RunError))


def _results(stage: str, futures: Sequence[PrefectFuture[R]]) -> list[R]:
    results: list[R] = []
    errors: list[BaseException] = []
    for future in futures:
        try:
            results.append(future.result())
        except Exception as error:  # noqa: BLE001 - a task's own error, or Dask's when its worker was killed
            errors.append(error)
    if told := [error for error in errors if isinstance(error, (UserError, RunError))]:
        raise told[0]
    if errors:
        raise RunError(
            f"{stage}: {len(errors)} of {len(futures)} tasks failed; the first: {type(errors[0]).__name__}: "
            f"{errors[0]}. What is finished is kept; run the same command again to try the rest"
        ) from errors[0]
    return results
