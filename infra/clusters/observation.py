"""What the sizing of pools is told: read from the scheduler's state, changing nothing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from distributed.scheduler import Scheduler, TaskState, WorkerState

from infra.clusters.demand import Demand, Need
from infra.clusters.pool import Pool
from infra.clusters.sizing import JobObservation, Policy, PoolBounds, PoolObservation, drain_seconds


@dataclass(slots=True, kw_only=True)
class Job:
    """A job that was submitted; times are those of a monotonic clock.

    Parameters
    ----------
    number
        By which the batch system calls it, once it has accepted it.
    waited
        When it was last seen to wait in the queue.
    began
        When it began at the earliest, once it was seen to have done so.
    connected
        When it was first seen to have a worker.
    seen
        When it was last seen to have one.
    busy
        When one of its workers was last seen to have a task.
    draining
        Whether its workers take no more tasks.
    """

    name: str
    pool: Pool
    submitted: float
    number: str | None = None
    waited: float = 0.0
    began: float | None = None
    connected: float | None = None
    seen: float | None = None
    busy: float = 0.0
    draining: bool = False

    def begin(self) -> None:
        """Note that it does not wait any more."""
        if self.began is None:
            self.began = max(self.waited, self.submitted)

    def left(self, now: float) -> float | None:
        """Return how many seconds of its lifetime remain; None as long as it has not begun."""
        return None if self.began is None else self.pool.lifetime.total_seconds() - (now - self.began)


def workers_by_job(scheduler: Scheduler) -> dict[str, list[WorkerState]]:
    """Return the workers of each job: named as it is, or that with a number added."""
    workers: dict[str, list[WorkerState]] = defaultdict(list)
    for worker in scheduler.workers.values():
        name = str(worker.name)
        head, _, tail = name.rpartition("-")
        workers[head if tail.isdecimal() else name].append(worker)
    return workers


def observe(
    scheduler: Scheduler,
    *,
    pools: Sequence[Pool],
    jobs: Mapping[str, Mapping[str, Job]],
    demand: Demand,
    start_seconds: Mapping[str, float | None],
    policy: Policy,
    now: float,
) -> dict[str, PoolObservation]:
    """Tell what is to be done in each pool, and by which jobs.

    A task that workers have belongs to the pool of these, one that waits to the first pool that offers what it needs,
    or, if that has all the jobs that it may have, to the next one.

    Parameters
    ----------
    jobs
        Of each pool, by name.
    start_seconds
        How long jobs of each pool took to have workers.
    """
    running, waiting = Counter[str](), Counter[str]()
    tasks: dict[str, list[TaskState]] = defaultdict(list)
    elapsed: dict[str, list[float]] = defaultdict(list)
    pool_of_job = {name: pool for pool, own in jobs.items() for name in own}
    for job, workers in workers_by_job(scheduler).items():
        pool = pool_of_job.get(job)
        if pool is None:
            continue
        for worker in workers:
            begun = min(len(worker.processing), worker.nthreads)
            running[pool] += begun
            waiting[pool] += len(worker.processing) - begun
            tasks[pool].extend(worker.processing)
            elapsed[pool].extend(worker.executing.values())
    unsent = defaultdict(list)
    for task in [*scheduler.unrunnable, *scheduler.queued]:
        unsent[frozenset((task.resource_restrictions or {}).items())].append(task)
    for need, own in unsent.items():
        for pool, number in shared_out({need: len(own)}, pools=pools, taken=waiting).items():
            waiting[pool] += number
            tasks[pool].extend(own[:number])
    ahead = shared_out(demand.ahead, pools=pools, taken=waiting)
    coming = shared_out(demand.coming, pools=pools, taken=waiting + ahead)
    observations = {
        pool.name: PoolObservation(
            running=running[pool.name],
            waiting=waiting[pool.name],
            ahead=ahead[pool.name],
            coming=coming[pool.name],
            seconds=_mean_seconds(tasks[pool.name]),
            elapsed=fmean(elapsed[pool.name] or [0.0]),
            slots=pool.workers,
            start_seconds=start_seconds[pool.name],
            jobs=tuple(_job_observation(job, now=now) for job in jobs[pool.name].values() if not job.draining),
        )
        for pool in pools
    }
    drains = {
        pool.name: drain_seconds(
            replace(observations[pool.name], coming=0, coming_seconds=None), bounds=PoolBounds.of(pool), policy=policy
        )
        for pool in pools
    }
    return {
        name: replace(own, coming_seconds=max((drains[other] for other in drains if other != name), default=0.0))
        for name, own in observations.items()
    }


def shared_out(needs: Mapping[Need, int], *, pools: Sequence[Pool], taken: Mapping[str, int]) -> Counter[str]:
    """Say how many tasks each pool is to have.

    Each need goes to the first pool that offers it; what is more than all its jobs can have at a time to the next such
    pool; what is more than all of them can have, to the first. What no pool offers is left out.
    """
    shares = Counter[str]()
    for need, number in needs.items():
        fit = [pool for pool in pools if all(pool.offer.get(name, 0) >= amount for name, amount in need)]
        left = number
        for pool in fit:
            free = pool.maximum * pool.workers - taken.get(pool.name, 0) - shares[pool.name]
            share = min(left, max(free, 0))
            shares[pool.name] += share
            left -= share
        if fit:
            shares[fit[0].name] += left
    return shares


def _mean_seconds(tasks: Iterable[TaskState]) -> float | None:
    """Return what tasks will take, by what such tasks took; None where none of them is known."""
    known = [task.prefix.duration_average for task in tasks if task.prefix.duration_average >= 0]
    return sum(known) / len(known) if known else None


def _job_observation(job: Job, *, now: float) -> JobObservation:
    state: Literal["pending", "starting", "running"]
    state = "pending" if job.began is None else "starting" if job.connected is None else "running"
    return JobObservation(
        name=job.name,
        state=state,
        age=now - job.submitted,
        idle=0.0 if job.connected is None else now - job.busy,
        left=job.left(now),
    )
