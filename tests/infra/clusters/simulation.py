"""A batch cluster in discrete events: jobs wait, begin, end or get lost; tasks run on them; `decide` sizes pools."""

import heapq
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, inf
from statistics import fmean, median

import numpy as np

from infra.clusters.sizing import (
    DEFAULT_POLICY,
    Decision,
    JobObservation,
    Policy,
    PoolBounds,
    PoolObservation,
    decide,
    drain_seconds,
    lead_seconds,
)

LOOK_SECONDS = 5.0
"""How often pools are looked at."""

AHEAD = 2
"""Tasks that the run has sent, for each slot; see flows/engine/execution.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSystem:
    """What becomes of jobs.

    Parameters
    ----------
    wait
        Least and most seconds that a job waits in the queue; then its workers need `boot` seconds.
    stagger
        Share of its lifetime by which a job's is shorter or longer.
    grace
        Seconds that a job's workers have for what they are at, once they take no more.
    rejected, preempted
        Share of jobs that vanish from the queue, and that are ended at a random moment of their life.
    """

    wait: tuple[float, float] = (20.0, 90.0)
    boot: float = 15.0
    stagger: float = 0.02
    grace: float = 300.0
    rejected: float = 0.03
    preempted: float = 0.03


@dataclass(slots=True, kw_only=True)
class Job:
    """A job of the batch system; `tasks` are those that run on it, and when they began."""

    name: str
    submitted: float
    begun: float = inf
    ready: float = inf
    end: float = inf
    idle_since: float = inf
    tasks: dict[int, float] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class SimulatedPool:
    """A pool with its queue of tasks, and what was seen of it."""

    name: str
    slots: int
    bounds: PoolBounds
    jobs: dict[str, Job] = field(default_factory=dict)
    queue: deque[int] = field(default_factory=deque)
    took: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    submitted: int = 0
    begun: int = 0
    preempted: int = 0

    def observe(self, now: float, *, coming: int, coming_seconds: float | None) -> PoolObservation:
        """Look at it as the run does, which sends so many tasks that none of the workers waits."""
        begun_at = [begun for job in self.jobs.values() for begun in job.tasks.values()]
        running = len(begun_at)
        workers = sum(self.slots for job in self.jobs.values() if job.ready <= now)
        waiting = min(len(self.queue), max(AHEAD * workers, 4) - running)
        return PoolObservation(
            running=running,
            waiting=waiting,
            ahead=len(self.queue) - waiting,
            coming=coming,
            coming_seconds=coming_seconds,
            seconds=fmean(self.took[-200:]) if self.took else None,
            elapsed=fmean(now - begun for begun in begun_at) if begun_at else 0.0,
            slots=self.slots,
            start_seconds=median(self.waits) if self.waits else None,
            jobs=tuple(_observed(job, now=now) for job in self.jobs.values()),
        )


def _observed(job: Job, *, now: float) -> JobObservation:
    return JobObservation(
        name=job.name,
        state="running" if job.ready <= now else "starting" if job.begun <= now else "pending",
        age=now - job.submitted,
        idle=0.0 if job.tasks or job.ready > now else now - job.idle_since,
        left=max(job.end - now, 0.0) if job.begun <= now else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen of a pool at a moment, and decided."""

    time: float
    observation: PoolObservation
    decision: Decision
    lasting: int

    def workers(self, *, pending: bool) -> int:
        """Count the workers that are there, or that will be once jobs begin."""
        jobs = self.observation.jobs
        return self.observation.slots * sum((job.state != "running") is pending for job in jobs)

    @property
    def queue(self) -> int:
        """Tasks that could begin and have not."""
        return self.observation.waiting + self.observation.ahead


class Simulation:
    """A run on a batch cluster.

    Parameters
    ----------
    chain
        By pool, in the order of the stages, what its task of each partition takes; the task of a pool begins when that
        of the pool before it is done.
    closed
        A partition that is done is followed by a new one like it, for ever: the load stays the same.
    """

    def __init__(
        self,
        pools: Sequence[SimulatedPool],
        *,
        chain: Mapping[str, Sequence[float]],
        batch: BatchSystem,
        seed: int,
        policy: Policy = DEFAULT_POLICY,
        closed: bool = False,
    ) -> None:
        self.pools = {pool.name: pool for pool in pools}
        self.looks: dict[str, list[Look]] = {pool.name: [] for pool in pools}
        self.now = 0.0
        self._chain, self._order = chain, list(chain)
        self._batch, self._policy, self._closed = batch, policy, closed
        self._random = np.random.default_rng(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self.left = partitions = len(chain[self._order[0]])
        self.pools[self._order[0]].queue.extend(range(partitions))
        self._look()

    def run(self, *, until: float = inf) -> float:
        """Go on until all is done, or until a time whatever is done; return the time."""
        while self._events and self.now < until and (self.left or until < inf):
            self.now, _, event = heapq.heappop(self._events)
            event()
        return self.now

    def _at(self, time: float, event: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (time, self._number, event))

    def _look(self) -> None:
        """Look at all pools, and do what is decided."""
        upstream = 0.0
        coming = 0
        for name in self._order:
            pool = self.pools[name]
            observation = pool.observe(self.now, coming=coming, coming_seconds=upstream)
            decision = decide(observation, bounds=pool.bounds, policy=self._policy)
            lead = lead_seconds(observation, bounds=pool.bounds, policy=self._policy)
            lasting = sum(job.left is None or job.left > lead for job in observation.jobs)
            look = Look(time=self.now, observation=observation, decision=decision, lasting=lasting)
            self.looks[name].append(look)
            for stopped in decision.stop:
                del pool.jobs[stopped]
            for _ in range(decision.add):
                self._submit(pool)
            upstream = max(upstream, drain_seconds(observation, bounds=pool.bounds, policy=self._policy))
            coming += observation.running + look.queue
        self._at(self.now + LOOK_SECONDS, self._look)

    def _submit(self, pool: SimulatedPool) -> None:
        pool.submitted += 1
        job = Job(name=f"{pool.name}-{pool.submitted}", submitted=self.now)
        pool.jobs[job.name] = job
        begun = self.now + self._random.uniform(*self._batch.wait)
        if self._random.random() < self._batch.rejected:
            self._at(begun, lambda: self._end(pool, job))
        else:
            self._at(begun, lambda: self._begin(pool, job))

    def _begin(self, pool: SimulatedPool, job: Job) -> None:
        if job.name not in pool.jobs:  # cancelled in the queue
            return
        pool.begun += 1
        stagger = self._random.uniform(-self._batch.stagger, self._batch.stagger)
        job.begun, job.ready = self.now, self.now + self._batch.boot
        job.idle_since = job.ready
        job.end = self.now + (pool.bounds.lifetime or inf) * (1.0 + stagger)
        pool.waits.append(job.ready - job.submitted)
        if self._random.random() < self._batch.preempted:
            pool.preempted += 1
            self._at(self._random.uniform(job.ready, job.end), lambda: self._end(pool, job))
        self._at(job.ready, lambda: self._assign(pool))
        self._at(job.end, lambda: self._expire(pool, job))

    def _expire(self, pool: SimulatedPool, job: Job) -> None:
        """Give a job no more tasks, and let it end those that it has."""
        if job.tasks:
            self._at(self.now + self._batch.grace, lambda: self._end(pool, job))
        else:
            self._end(pool, job)

    def _end(self, pool: SimulatedPool, job: Job) -> None:
        """End a job; what ran on it is sent again."""
        if pool.jobs.pop(job.name, None) is not None:
            pool.queue.extendleft(job.tasks)
            job.tasks.clear()
            self._assign(pool)

    def _assign(self, pool: SimulatedPool) -> None:
        """Give tasks to the jobs with the most free slots, as Dask spreads them."""
        while pool.queue:
            there = [
                job for job in pool.jobs.values() if job.ready <= self.now < job.end and len(job.tasks) < pool.slots
            ]
            if not there:
                return
            job = min(there, key=lambda job: len(job.tasks))
            partition = pool.queue.popleft()
            job.tasks[partition] = self.now
            seconds = self._chain[pool.name][partition]
            self._at(self.now + seconds, lambda job=job, partition=partition: self._done(pool, job, partition))  # type: ignore[misc]

    def _done(self, pool: SimulatedPool, job: Job, partition: int) -> None:
        if partition not in job.tasks:  # its job ended before
            return
        del job.tasks[partition]
        job.idle_since = self.now
        if self.now >= job.end and not job.tasks:
            self._end(pool, job)
        pool.took.append(self._chain[pool.name][partition])
        place = self._order.index(pool.name) + 1
        if place < len(self._order) or self._closed:
            following = self.pools[self._order[place % len(self._order)]]
            following.queue.append(partition)
            self._assign(following)
        else:
            self.left -= 1
        self._assign(pool)


def drawn(means: Mapping[str, float], *, partitions: int, seed: int) -> dict[str, list[float]]:
    """Draw what the tasks of each stage take: gamma distributed, with a deviation of a quarter of the mean."""
    random = np.random.default_rng(seed)
    return {name: random.gamma(16.0, mean / 16.0, partitions).tolist() for name, mean in means.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What no schedule can do better.

    Parameters
    ----------
    seconds
        Until all is done.
    jobs
        By pool, how many it takes.
    """

    seconds: float
    jobs: dict[str, int]


def lower_bound(pools: Sequence[SimulatedPool], *, chain: Mapping[str, Sequence[float]], batch: BatchSystem) -> Bound:
    """Derive what the best of schedules needs, in time and in jobs.

    Time: a job is there after the mean wait in the queue and its boot. From then on a pool is busy for its work, in
    slot-seconds, divided by the slots of its largest size; before it the shortest task of each stage before it has to
    be done, after it the shortest of each that follows. The longest chain of one partition is a bound, too. The largest
    of these counts.

    Jobs: a pool's work divided by what one job can do in its lifetime, but at least so many as do the work side by
    side in that time.
    """
    start = fmean(batch.wait) + batch.boot
    shortest = {name: min(seconds) for name, seconds in chain.items()}
    names = list(chain)
    spans = [max(float(sum(tasks)) for tasks in zip(*chain.values(), strict=True))]
    jobs: dict[str, int] = {}
    for pool in pools:
        others = sum(shortest[name] for name in names if name != pool.name)
        spans.append(sum(chain[pool.name]) / (pool.slots * pool.bounds.maximum) + others)
    for pool in pools:
        work = sum(chain[pool.name]) / pool.slots
        at_once = ceil(work / max(spans))
        jobs[pool.name] = max(ceil(work / (pool.bounds.lifetime or inf)), at_once)
    return Bound(seconds=start + max(spans), jobs=jobs)
