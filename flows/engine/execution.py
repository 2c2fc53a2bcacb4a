"""How the tasks of a run are carried out, whatever stage they belong to."""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from prefect import Task

from flows.engine.dispatch import Dispatcher, Order
from flows.engine.graph import Graph, Handle, resolved, unresolved
from flows.engine.labels import label_tasks, span_of
from flows.engine.preparation import Preparation
from flows.engine.progress import Progress, StageProgress
from flows.engine.submission import Resources
from flows.engine.timeline import TaskRecord
from flows.engine.watcher import UNWATCHED, Watcher
from infra.clusters.demand import Demand, Need
from tasks.core.errors import RunError, UserError
from tasks.core.storage_errors import StorageError, storage_error
from tasks.core.work import Frozen, Partition, StageResult

ResultT = TypeVar("ResultT")
ItemT = TypeVar("ItemT")

SPLIT_EVERY = 32
"""Partitions, or results, that one task of a tree takes together."""

AHEAD = 2
"""Tasks that are with Dask at a time, for each that runs: the next one waits at its worker. Dask sends tasks with
resources to workers at once and never calls them back, so that more would wait for a worker that is slow, or dies."""

LEAST_AHEAD = 4
"""So many at a time at least; there may be no worker yet."""


class StageCount(Frozen):
    """How many tasks of a stage ran in this run, how many results were cached by an earlier one, and wall time."""

    computed: int
    cached: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Submission:
    """What is needed to begin a task once its arguments are known."""

    task: Task[..., StageResult]
    label: str
    resources: Resources
    arguments: Mapping[str, object]
    progress: StageProgress | None
    watch: Callable[[StageResult], None] | None

    @property
    def partition(self) -> Partition | None:
        """The images that it works on, if it works on such."""
        partition = self.arguments.get("partition")
        return partition if isinstance(partition, Partition) else None


class Execution:
    """Carries out one run.

    A result is a folder ``work/<stage>/<key>``, the key being the digest of everything that it depends on. A task is
    submitted, with its key, when the results that it needs are there; so many at a time that workers never wait, and
    later stages first.

    Parameters
    ----------
    preparation
        The run, checked.
    run_id
        Name of this run.
    resources
        Dask resources that the tasks of each stage need.
    dispatcher
        Has tasks done on the cluster.
    progress
        Told about every finished task.
    watcher
        Told what becomes of partitions.
    """

    def __init__(
        self,
        preparation: Preparation,
        *,
        run_id: str,
        resources: Mapping[str, Resources],
        dispatcher: Dispatcher,
        progress: Progress,
        watcher: Watcher = UNWATCHED,
    ) -> None:
        self.preparation = preparation
        self.config = preparation.spec.config
        self.output = preparation.spec.output
        self.run_id = run_id
        self.resources = resources
        self._dispatcher = dispatcher
        self.progress = progress
        self.watcher = watcher
        self.timeline: list[TaskRecord] = []
        """Of the tasks that workers did so far."""
        self.hardware: dict[str, set[str]] = {}
        """Kinds of processors and GPUs on which the results of each stage were computed, in this run or before."""
        self._graph = Graph()
        self._submissions: dict[Handle, _Submission] = {}
        self._ranks: dict[str, int] = {}
        self._errors: list[tuple[str, BaseException]] = []
        self._stopped: RunError | None = None
        self._clocks: dict[str, tuple[float, float]] = {}
        self._tasks: Counter[tuple[str, bool]] = Counter()

    @property
    def counts(self) -> dict[str, StageCount]:
        """What was done so far, by stage."""
        return {
            stage: StageCount(computed=self._tasks[stage, False], cached=self._tasks[stage, True], seconds=last - first)
            for stage, (first, last) in self._clocks.items()
        }

    def map(
        self,
        stage: str,
        task: Task[..., StageResult],
        *,
        mapped: Sequence[Mapping[str, object]],
        unmapped: Mapping[str, object] | None = None,
        resources: Resources,
        watch: Callable[[StageResult], None] | None = None,
        show_progress: bool = True,
    ) -> tuple[Handle, ...]:
        """Have a task done for each of some arguments; returns at once.

        Parameters
        ----------
        mapped
            Arguments of each task; results that are not there yet are handles.
        unmapped
            Arguments that all tasks share.
        watch
            Looks at each result as it comes; a `RunError` of it stops all other stages; the last one is raised.
        show_progress
            Whether progress is shown; not for a part of something larger that shows its own.
        """
        rank = self._ranks.setdefault(stage, len(self._ranks))
        progress = self.progress.stage(stage, total=len(mapped)) if show_progress else None
        given = [{**own, **(unmapped or {})} for own in mapped]
        needed = [unresolved(list(arguments.values())) for arguments in given]
        spans = [
            span_of(arguments, (handle.span for handle in needs))
            for arguments, needs in zip(given, needed, strict=True)
        ]
        handles = []
        for number, label in enumerate(label_tasks(task.name, spans)):
            handle = Handle(
                stage=stage,
                rank=rank,
                number=number,
                needs=needed[number],
                pool=_pool(resources),
                span=spans[number],
            )
            self._submissions[handle] = _Submission(
                task=task,
                label=label,
                resources=resources,
                arguments=given[number],
                progress=progress,
                watch=watch,
            )
            self._graph.add(handle)
            handles.append(handle)
        return tuple(handles)

    def tree_reduce(
        self,
        stage: str,
        task: Task[..., StageResult],
        *,
        results: Sequence[Handle],
        resources: Resources,
        unmapped: Mapping[str, object] | None = None,
    ) -> Handle:
        """Merge results, `SPLIT_EVERY` at a time, by a task that takes `parts`, until one is left; returns at once."""
        while len(results) > 1:
            results = self.map(
                stage,
                task,
                mapped=[{"parts": parts} for parts in groups(results)],
                unmapped=unmapped,
                resources=resources,
                show_progress=False,
            )
        return results[0]

    def wait(self, handles: Sequence[Handle]) -> list[StageResult]:
        """Carry on until these results are there.

        Raises
        ------
        UserError, RunError
            A task failed in spite of its retries; all that did not depend on it was finished first and is kept.
        """
        while not all(handle.done or handle.dropped for handle in handles):
            self._step()
        if self._errors or self._stopped:
            while self._graph.under_way or self._submit():
                self._step()
            self._fail()
        return [handle.result for handle in handles]

    def run_single(
        self,
        stage: str,
        task: Task[..., ResultT],
        *,
        resources: Resources,
        arguments: Mapping[str, object],
        show_progress: bool = True,
    ) -> ResultT:
        """Do a task that is done anew in every run, and wait for it.

        Raises
        ------
        UserError, RunError
            It failed.
        """
        self.wait([*unresolved(list(arguments.values()))])
        progress = self.progress.stage(stage, total=1) if show_progress else None
        if progress is not None:
            progress.begin()
        self._clock(stage)
        ticket = object()
        sent = {name: resolved(value) for name, value in arguments.items()}
        self._dispatcher.send(
            ticket, Order(task=task, label=task.name, stage=None, resources=resources, arguments=sent)
        )
        while True:
            self._submit()
            done, outcome = self._dispatcher.next_done()
            if done is ticket:
                break
            self._take_in(done, outcome)
        if isinstance(outcome, BaseException):
            self._note(outcome, stage=stage)
            self._fail()
        self._tasks[stage, False] += 1
        self._remember(outcome, stage=stage, task=0, resources=resources)
        self._clock(stage)
        if progress is not None:
            progress.advance()
        return cast("ResultT", outcome)

    def run_here(self, stage: str, task: Task[..., ResultT], *, arguments: Mapping[str, object]) -> ResultT:
        """Do a task in this process: it looks at what was known before the workers were there."""
        progress = self.progress.stage(stage, total=1)
        progress.begin()
        self._clock(stage)
        result = task.with_options(task_run_name=stage, persist_result=False)(**arguments)
        self._tasks[stage, False] += 1
        self._clock(stage)
        progress.advance()
        return result

    def _step(self) -> None:
        """Submit what can begin, and take in one result."""
        self._submit()
        ticket, outcome = self._dispatcher.next_done()
        self._take_in(ticket, outcome)

    def _submit(self) -> bool:
        """Submit what can begin; whether there was anything."""
        any_sent = False
        for handle in self._graph.take(self._window):
            submission = self._submissions[handle]
            arguments = {name: resolved(value) for name, value in submission.arguments.items()}
            self._clock(handle.stage)
            if submission.progress is not None:
                submission.progress.begin()
            self._dispatcher.send(
                handle,
                Order(
                    task=submission.task,
                    label=submission.label,
                    stage=handle.stage,
                    resources=submission.resources,
                    arguments=arguments,
                ),
            )
            self.watcher.sent(handle.stage, submission.partition)
            any_sent = True
        self._dispatcher.ask(Demand(ahead=_needs(self._graph.ready), coming=_needs(self._graph.waiting)))
        return any_sent

    def _window(self, pool: Hashable) -> int:
        return max(AHEAD * self._dispatcher.slots(dict(cast("frozenset[tuple[str, float]]", pool))), LEAST_AHEAD)

    def _take_in(self, ticket: object, outcome: object) -> None:
        if not isinstance(ticket, Handle):
            raise TypeError(f"{ticket!r} is no task of this run's graph")
        submission = self._submissions.pop(ticket)
        self._clock(ticket.stage)
        if not isinstance(outcome, StageResult):
            self._note(outcome if isinstance(outcome, BaseException) else TypeError(outcome), stage=ticket.stage)
            self._graph.drop(ticket)
            self.watcher.ended(ticket.stage, submission.partition, None)
            return
        self._graph.finish(ticket, outcome)
        self._tasks[ticket.stage, outcome.run_id != self.run_id] += 1
        if outcome.hardware:
            self.hardware.setdefault(ticket.stage, set()).add(outcome.hardware)
        self._remember(outcome, stage=ticket.stage, task=ticket.number, resources=submission.resources)
        self.watcher.ended(ticket.stage, submission.partition, outcome)
        if submission.progress is not None:
            submission.progress.advance()
        if submission.watch is not None:
            try:
                submission.watch(outcome)
            except RunError as error:  # the last one tells of all of the stage
                self._stopped = error
                self._graph.drop_all_but(ticket.stage)

    def _note(self, error: BaseException, *, stage: str) -> None:
        """Keep an error; where the disk is to blame, all that has not begun would fail as well."""
        explained = storage_error(error, path=self.output / "work" / stage) or error
        self._errors.append((stage, explained))
        if isinstance(explained, StorageError):
            self._graph.drop_all_but(None)

    def _fail(self) -> None:
        """Raise what went wrong: what the user has to mend first."""
        errors, self._errors = self._errors, []  # what does not depend on them may follow
        expected = [error for _, error in errors if isinstance(error, (UserError, RunError))]
        if expected:
            raise expected[0]
        if errors:
            stage, error = errors[0]
            raise RunError(
                f"{stage}: {sum(failed == stage for failed, _ in errors)} tasks failed; the first: "
                f"{type(error).__name__}: {error}. What is finished is kept; run the same command again to try the rest"
            ) from error
        if self._stopped is not None:
            stopped, self._stopped = self._stopped, None  # the reasons may be published afterwards
            raise stopped

    def _remember(self, outcome: object, *, stage: str, task: int, resources: Resources) -> None:
        if isinstance(outcome, StageResult) and outcome.run_id == self.run_id:
            self.timeline.append(TaskRecord.of(outcome, stage=stage, task=task, resources=resources))

    def _clock(self, stage: str) -> None:
        now = time.perf_counter()
        first, _ = self._clocks.get(stage, (now, now))
        self._clocks[stage] = first, now


def groups(items: Sequence[ItemT]) -> list[list[ItemT]]:
    """Cut into runs of what one task takes together."""
    return [list(items[start : start + SPLIT_EVERY]) for start in range(0, len(items), SPLIT_EVERY)]


def _needs(tasks: Mapping[Hashable, int]) -> dict[Need, int]:
    return {cast("Need", pool): number for pool, number in tasks.items()}


def _pool(resources: Resources) -> Hashable:
    """Name the workers that tasks with equal needs share."""
    return frozenset(resources.items())
