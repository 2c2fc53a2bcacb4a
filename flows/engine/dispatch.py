"""Sending tasks so that they come back: with limits, again after a death, without the images that cause it."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prefect import Task

from flows.engine.convictions import Convictions
from flows.engine.forecast import refused
from flows.engine.investigation import Culprit, investigate
from flows.engine.keys import task_key
from flows.engine.pace import Pace
from flows.engine.submission import Resources, Submitter, WorkerDiedError
from flows.engine.supervision import MOST_LENIENCY, GiveUp, Investigate, SendAgain, Supervisor, Verdict
from infra.by_name import path_of
from infra.clusters.demand import Demand
from infra.clusters.pool import Pool
from tasks.core.decision import QualityDecision
from tasks.core.digest import digest
from tasks.core.errors import NoGpuError, RunError
from tasks.core.pixel_source import PixelSource
from tasks.core.work import Partition, StageResult

QUIET_SECONDS = 30.0
"""Without any task that ends, after which it is looked whether there are workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A task to be done.

    Parameters
    ----------
    label
        What people call it.
    stage
        Where its result is kept; None for one that is done anew in every run.
    resources
        Dask resources that it needs.
    arguments
        All of them known.
    """

    task: Task[..., Any]
    label: str
    stage: str | None
    resources: Resources
    arguments: Mapping[str, object]

    @property
    def partition(self) -> Partition | None:
        """The images that it works on, if it works on such."""
        partition = self.arguments.get("partition")
        return partition if isinstance(partition, Partition) else None

    @property
    def judged(self) -> str:
        """Name what an image is convicted of: the task, its version, and how it is configured."""
        common = {
            name: value
            for name, value in self.arguments.items()
            if not isinstance(value, (Partition, StageResult, QualityDecision))
        }
        return f"{self.task.name} {digest(self.task.version, common)}"

    def having(self, **arguments: object) -> "Order":
        """Return the order with other arguments."""
        return replace(self, arguments={**self.arguments, **arguments})

    def with_batches_shrunk(self, factor: int) -> "Order":
        """Return the order with smaller batches, on which no result depends."""
        source = self.arguments.get("source")
        return self.having(source=source.shrunk(factor)) if isinstance(source, PixelSource) and factor > 1 else self


@dataclass(frozen=True, slots=True)
class _Investigation:
    """Stands for the search for the images that end the workers of a task."""

    ticket: Hashable


class Dispatcher:
    """Has tasks done, whatever dies meanwhile.

    Parameters
    ----------
    submitter
        Runs tasks on the cluster.
    work
        Folder of the results.
    convictions
        Images that are not to be touched.
    pace
        How long tasks may take.
    tell
        Takes a line for the user.
    pools
        In whose jobs, which end, tasks run; none where workers last.
    """

    def __init__(
        self,
        submitter: Submitter,
        *,
        work: Path,
        convictions: Convictions,
        pace: Pace,
        tell: Callable[[str], None],
        pools: Sequence[Pool] = (),
    ) -> None:
        self.slots: Callable[[Resources], int] = submitter.slots
        self.ask: Callable[[Demand], None] = submitter.ask
        self._submitter = submitter
        self._work = work
        self._convictions = convictions
        self._pace = pace
        self._tell = tell
        self._pools = pools
        self._refused: list[tuple[Hashable, RunError]] = []
        self._supervisor = Supervisor()
        self._orders: dict[Hashable, Order] = {}
        self._missing: set[frozenset[tuple[str, float]]] = set()

    def send(self, ticket: Hashable, order: Order) -> None:
        """Have a task done."""
        self._orders[ticket] = order
        if error := self._refusal(order):
            self._refused.append((ticket, error))
        else:
            self._send(ticket, leniency=1)

    def _refusal(self, order: Order) -> RunError | None:
        """Say why a task would be in vain, if it is to be done."""
        partition, name = order.partition, order.task.name
        if not self._pools or partition is None:
            return None
        folder = self._folder(order)
        if folder is None or folder.is_dir():
            return None
        seconds = self._pace.expected(name, partition)
        return refused(name, partition, seconds=seconds, resources=order.resources, pools=self._pools)

    def next_done(self) -> tuple[Hashable, object]:
        """Wait for any task to be done, and return its ticket and what it returned, or the error that it ended with."""
        while True:
            if self._refused:
                ticket, error = self._refused.pop(0)
                return ticket, self._finish(ticket, error)
            for due, leniency in self._supervisor.due(time.monotonic()):
                self._send(due, leniency=leniency)
            pause = self._supervisor.pause(time.monotonic())
            ended = self._submitter.next_done(seconds=QUIET_SECONDS if pause is None else min(pause, QUIET_SECONDS))
            if ended is None:
                self._look_for_workers()
                continue
            verdict: Verdict
            sent, outcome = ended
            ticket = sent.ticket if isinstance(sent, _Investigation) else sent
            if isinstance(sent, _Investigation):
                verdict = self._investigated(ticket, outcome)
            elif isinstance(outcome, (WorkerDiedError, MemoryError)):
                deaths = outcome.deaths if isinstance(outcome, WorkerDiedError) else 1
                divisible = self._orders[ticket].partition is not None
                verdict = self._supervisor.died(ticket, divisible=divisible, deaths=deaths)
            elif isinstance(outcome, NoGpuError):
                verdict = self._without_gpu(ticket, outcome)
            else:
                return ticket, self._finish(ticket, outcome)
            if isinstance(verdict, GiveUp):
                return ticket, self._finish(ticket, RunError(verdict.reason))
            self._follow(ticket, verdict)

    def _without_gpu(self, ticket: Hashable, error: NoGpuError) -> Verdict:
        """Have another worker do a task; its own ends, since it would soon have failed all that there is to do.

        Raises
        ------
        RunError
            It was the last one, so that other tasks would wait for ever; a batch system may give another.
        """
        self._submitter.retire(error.worker)
        self._tell(f"{error}; its worker is closed")
        verdict = self._supervisor.died(ticket, divisible=False)
        last = not self._pools and not self.slots(self._orders[ticket].resources)
        if last or isinstance(verdict, GiveUp):
            raise RunError(f"{error}; no worker is left that could. `python -m infra.doctor` tells more") from error
        return verdict

    def _look_for_workers(self) -> None:
        """Tell, once, of tasks that nothing can run at present: Dask waits in silence."""
        needed = {frozenset(order.resources.items()) for order in self._orders.values()}
        missing = {resources for resources in needed if not self.slots(dict(resources))}
        for resources in missing - self._missing:
            names = ", ".join(f"{name}: {amount:g}" for name, amount in sorted(resources))
            self._tell(f"no worker offers {{{names}}} at present; waiting for one")
        self._missing = missing

    def _finish(self, ticket: Hashable, outcome: object) -> object:
        self._supervisor.ended(ticket)
        order = self._orders.pop(ticket)
        if isinstance(outcome, StageResult) and order.partition is not None:
            self._pace.add(order.task.name, order.partition, seconds=outcome.seconds)
        return outcome

    def _send(self, ticket: Hashable, *, leniency: int) -> None:
        """Send a task, in batches so much smaller, with so much more time, as it needed leniency so far."""
        order = self._current(ticket)
        partition, name, folder = order.partition, order.task.name, self._folder(order)
        self._submitter.submit(
            ticket,
            order.task,
            name=order.label,
            folder=folder,
            resources=order.resources,
            arguments=order.with_batches_shrunk(leniency).arguments,
            seconds=None if partition is None else leniency * self._pace.limit(name, partition),
        )

    def _current(self, ticket: Hashable) -> Order:
        """Return an order without the images that are known to end its workers."""
        order = self._orders[ticket]
        partition = order.partition
        if partition is None:
            return order
        return order.having(partition=self._convictions.apply(order.judged, partition))

    def _folder(self, order: Order) -> Path | None:
        """Name the folder of a result by its key; what is done anew in every run has none."""
        if order.stage is None:
            return None
        return self._work / order.stage.replace(" ", "-") / task_key(order.task, order.arguments)

    def _follow(self, ticket: Hashable, verdict: SendAgain | Investigate) -> None:
        if isinstance(verdict, SendAgain):
            self._supervisor.postpone(ticket, verdict, now=time.monotonic())
        else:
            self._look_into(ticket)

    def _look_into(self, ticket: Hashable) -> None:
        order = self._current(ticket)
        partition, folder = order.partition, self._folder(order)
        if partition is None or folder is None:
            raise TypeError(f"{order.task.name} works on no images")
        self._tell(f"{order.label}: its workers died or took too long; looking for the image that is the reason")
        self._submitter.submit(
            _Investigation(ticket),
            investigate,
            name=f"investigation of {order.label}",
            folder=None,
            resources=order.resources,
            arguments={
                "function": path_of(order.task),
                "arguments": order.with_batches_shrunk(MOST_LENIENCY).arguments,
                "folder": str(folder),
                "weights": self._pace.weights(partition),
                "bound": self._pace.bound(order.task.name),
            },
            seconds=None,
        )

    def _investigated(self, ticket: Hashable, outcome: object) -> Verdict:
        """Take in the culprits; an investigation that failed itself has found none."""
        order = self._orders[ticket]
        culprits: Sequence[Culprit] = outcome if isinstance(outcome, list) else ()
        if culprits and order.partition is not None:
            added = self._convictions.add(order.judged, order.partition, culprits)
            for conviction in added:
                self._tell(f"{conviction.image} is set aside: {conviction.reason}")
        if isinstance(outcome, RunError):
            return GiveUp(str(outcome))
        if isinstance(outcome, Exception):
            self._tell(f"the search failed: {type(outcome).__name__}: {outcome}")
        return self._supervisor.investigated(ticket, culprits=len(culprits))
