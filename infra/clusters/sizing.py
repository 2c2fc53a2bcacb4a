"""How many jobs a pool should have: from what is seen of it to what is to be started and stopped. It runs nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Literal

from infra.clusters.pool import Pool

LEAD_SHARE = 0.25
"""Of a job's lifetime, in which it may at most be succeeded: where jobs wait longer in the queue, there is a gap."""

LEAD_SLACK = 1.1
"""By how much more than now the lead may have been a while ago; a successor submitted by then is recognized."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobObservation:
    """What is seen of a job that exists; one that is lost is simply not among those observed any more.

    Parameters
    ----------
    state
        In the batch system's queue, begun but without workers, or with workers.
    age
        Seconds since it was submitted.
    idle
        Seconds since one of its workers had a task, or, where none ever had, since they were there; 0 while any works,
        and while it has no workers.
    left
        Seconds of its lifetime that remain; None as long as it has not begun.
    """

    name: str
    state: Literal["pending", "starting", "running"]
    age: float
    idle: float = 0.0
    left: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolObservation:
    """What is seen of a pool at a moment.

    Parameters
    ----------
    running, waiting
        Tasks that need its resource and that workers have begun, or that are with the scheduler and could begin.
    ahead
        Tasks besides these that could begin; the run has not sent them yet.
    coming
        Tasks that will need its resource once others are done.
    coming_seconds
        In which they will come, spread evenly: how long the pools whose tasks they wait for need, see `drain_seconds`;
        0 where they wait for tasks of this pool alone; None where that is not known.
    seconds
        Mean of what a task took; None before any is done.
    elapsed
        Mean of what those that run have taken so far: of the first, only the short ones are done at the beginning.
    slots
        Tasks that a job works on at a time: its workers.
    start_seconds
        How long jobs took from being submitted to having workers; None before any had.
    jobs
        Those that exist.
    """

    running: int
    waiting: int
    ahead: int = 0
    coming: int = 0
    coming_seconds: float | None = None
    seconds: float | None = None
    elapsed: float = 0.0
    slots: int
    start_seconds: float | None = None
    jobs: tuple[JobObservation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolBounds:
    """Between what numbers of jobs a pool may be.

    Parameters
    ----------
    maximum
        Jobs about to end, whose successors are in the queue, are not among them.
    lifetime
        Seconds for which a job has workers; None for ever.
    """

    minimum: int
    maximum: int
    lifetime: float | None = None

    @classmethod
    def of(cls, pool: Pool) -> "PoolBounds":
        """Return those of a pool of a cluster file."""
        return cls(minimum=pool.minimum, maximum=pool.maximum, lifetime=pool.lifetime.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is aimed at.

    Parameters
    ----------
    target_seconds
        In which what can begin should be done: more jobs than that needs are not started.
    presumed_seconds
        What a task is taken to last before any is done.
    patience
        Seconds for which a job has nothing to do before it is stopped.
    hysteresis
        By what share of what is needed a pool may be larger before jobs are stopped.
    lead_seconds
        Before the end of a job, its successor is submitted: so early, or earlier where jobs take longer to start.
    """

    target_seconds: float = 300.0
    presumed_seconds: float = 30.0
    patience: float = 120.0
    hysteresis: float = 0.25
    lead_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do now.

    Parameters
    ----------
    add
        Jobs to submit.
    stop
        Names of jobs to stop, none of which works.
    """

    add: int = 0
    stop: tuple[str, ...] = ()


DEFAULT_POLICY = Policy()


def decide(observation: PoolObservation, *, bounds: PoolBounds, policy: Policy = DEFAULT_POLICY) -> Decision:
    """Decide how many jobs a pool gets or loses.

    It gets what `needed_jobs` says at once, but loses jobs only where it is larger than that by the hysteresis; up to
    there those that end are succeeded, so that its size stays while the load does. Pending ones go first, the youngest
    of them before the others, then those that were idle for so long as patience lasts, the one with the shortest life
    left first. Jobs that work are never stopped. A job near its end does not count any more, so that its successor is
    submitted while it still works.

    Parameters
    ----------
    observation
        The pool; jobs that were lost are missing, and are so replaced.
    bounds, policy
        What holds for all the run.
    """
    lead = lead_seconds(observation, bounds=bounds, policy=policy)
    ending, lasting = _by_end(observation, bounds=bounds, policy=policy)
    needed = needed_jobs(observation, policy=policy)
    most = _within(ceil(needed * (1.0 + policy.hysteresis)), bounds)
    kept = min(len(lasting) + _without_successor(ending, lasting, lead=lead), most)
    wanted = max(_within(ceil(needed), bounds), kept)
    if len(lasting) < wanted:
        return Decision(add=wanted - len(lasting))
    surplus = len(lasting) - most
    stopped = [*_dispensable(lasting, policy=policy)][: max(surplus, 0)]
    return Decision(stop=tuple(job.name for job in [*_dispensable(ending, policy=policy), *stopped]))


def needed_jobs(observation: PoolObservation, *, policy: Policy = DEFAULT_POLICY) -> float:
    """Tell how many jobs there is work for, as a real number.

    The larger of two: what does all that can begin within `target_seconds`, but no more than have a task for every
    slot; and what does all that can begin and all that will come, within the time in which it comes or
    `target_seconds`, but no more than have a task for every slot while it comes. So a pool that works on what another
    one delivers is as large as that delivers fast, from the beginning, and has no backlog when that is done.
    """
    seconds = expected_seconds(observation, policy=policy)
    ready = observation.running + observation.waiting + observation.ahead
    work = (observation.running / 2 + observation.waiting + observation.ahead) * seconds
    slots, target = observation.slots, policy.target_seconds
    at_once = min(ready, work / target)
    if observation.coming_seconds is None:
        return at_once / slots
    spread = max(observation.coming_seconds, target)
    later = observation.coming * seconds
    inflow = later / observation.coming_seconds if observation.coming_seconds else 0.0
    return max(at_once, min(ready + inflow, (work + later) / spread)) / slots


def drain_seconds(observation: PoolObservation, *, bounds: PoolBounds, policy: Policy = DEFAULT_POLICY) -> float:
    """Tell how long a pool takes for its tasks, those that will come included, with the jobs it will have by then."""
    seconds = expected_seconds(observation, policy=policy)
    tasks = observation.running / 2 + observation.waiting + observation.ahead + observation.coming
    _, lasting = _by_end(observation, bounds=bounds, policy=policy)
    jobs = max(len(lasting), _within(ceil(needed_jobs(observation, policy=policy)), bounds), 1)
    return tasks * seconds / (jobs * observation.slots)


def expected_seconds(observation: PoolObservation, *, policy: Policy = DEFAULT_POLICY) -> float:
    """Tell what a task will take."""
    known = policy.presumed_seconds if observation.seconds is None else observation.seconds
    return max(known, observation.elapsed)


def lead_seconds(observation: PoolObservation, *, bounds: PoolBounds, policy: Policy = DEFAULT_POLICY) -> float:
    """Tell how long before the end of a job its successor is submitted: so long as jobs take to start."""
    lead = max(policy.lead_seconds, observation.start_seconds or 0.0)
    return lead if bounds.lifetime is None else min(lead, LEAD_SHARE * bounds.lifetime)


def _by_end(
    observation: PoolObservation, *, bounds: PoolBounds, policy: Policy
) -> tuple[list[JobObservation], list[JobObservation]]:
    """Tell the jobs near their end from the others."""
    lead = lead_seconds(observation, bounds=bounds, policy=policy)
    ending = [job for job in observation.jobs if job.left is not None and job.left <= lead]
    return ending, [job for job in observation.jobs if job.left is None or job.left > lead]


def _without_successor(ending: list[JobObservation], lasting: list[JobObservation], *, lead: float) -> int:
    """Count the jobs near their end that none has been submitted for since."""
    left = [job.left for job in ending if job.left]  # what is at its end was succeeded, or was to shrink the pool
    since = LEAD_SLACK * lead - min(left, default=lead)
    return max(len(left) - sum(job.age <= since for job in lasting), 0)


def _within(jobs: int, bounds: PoolBounds) -> int:
    return min(max(jobs, bounds.minimum), bounds.maximum)


def _dispensable(jobs: list[JobObservation], *, policy: Policy) -> Iterator[JobObservation]:
    """Yield the jobs that may be stopped, in the order in which they are."""
    yield from sorted((job for job in jobs if job.state == "pending"), key=lambda job: job.age)
    idle = [job for job in jobs if job.state == "running" and job.idle >= policy.patience]
    yield from sorted(idle, key=lambda job: float("inf") if job.left is None else job.left)
