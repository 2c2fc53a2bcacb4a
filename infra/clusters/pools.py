"""A scheduler in the run's process, and pools of jobs around it, each as large as there is work for its resource."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

from distributed import Scheduler
from distributed.deploy.spec import SpecCluster

from infra.clusters.addresses import listen
from infra.clusters.certificates import Certificates
from infra.clusters.demand import NONE, Demand
from infra.clusters.directives import job_prefix
from infra.clusters.job_states import CannotTell, QueuedJob, queued_jobs
from infra.clusters.jobs import CONNECT_SECONDS, job_spec
from infra.clusters.model import Batch
from infra.clusters.observation import Job, observe, workers_by_job
from infra.clusters.pool import Pool
from infra.clusters.scheduler import scheduler_spec
from infra.clusters.sizing import DEFAULT_POLICY, PoolBounds, decide
from infra.clusters.submission import BatchSystem, Submission
from tasks.core.errors import RunError

STEP_SECONDS = 3.0
"""How often it is looked what pools need."""

QUEUE_SECONDS = 15.0
"""How often the batch system is asked for its queue, which on a large site is work for it."""

SETTLE_SECONDS = 10.0
"""So long the queue that a batch system shows may lack a job that it has accepted."""

STUCK_SECONDS = CONNECT_SECONDS + 300.0
"""After which a job is cancelled that runs and has no worker: it hangs before that begins."""

ABANDONED_SECONDS = 120.0
"""So long after its last worker is gone a job that goes on is cancelled."""

MOST_ADDED = 20
"""Jobs of a pool that are submitted in a step."""

FAILURES = 5
"""Rejections in a row, or jobs in a row that end without ever having had a worker, after which the run fails; and so
with steps of the adaption."""

BACK_OFF_SECONDS = (5.0, 15.0, 30.0, 60.0)
"""Pauses after each; the last one from then on."""

LOG = logging.getLogger("distributed.scip_flows")


@dataclass(slots=True)
class _State:
    """What is known of a pool from its past."""

    numbers: Iterator[int] = field(default_factory=count)
    jobs: dict[str, Job] = field(default_factory=dict)
    failures: int = 0
    resume: float = -math.inf
    start_seconds: float | None = None

    def failed(self, now: float) -> None:
        self.resume = now + BACK_OFF_SECONDS[min(self.failures, len(BACK_OFF_SECONDS) - 1)]
        self.failures += 1


class PoolCluster(SpecCluster):
    """Runs jobs of a batch system as workers of one scheduler.

    Parameters
    ----------
    batch
        The cluster.
    run_id
        Part of the jobs' names.
    files
        Certificates of the run.
    shared
        Folder of the run that nodes see, too.
    environment
        Variables of the jobs.
    address
        Of this machine, where nodes reach it.
    """

    scheduler: Scheduler

    def __init__(
        self,
        batch: Batch,
        *,
        run_id: str,
        files: Certificates,
        shared: Path,
        environment: Mapping[str, str],
        address: str,
    ) -> None:
        self._tell: Callable[[str], None] = LOG.info
        self._demand = NONE
        self._batch = batch
        self._shared = shared
        self._prefix = job_prefix(run=run_id)
        self._policy = DEFAULT_POLICY
        self._give_up: Callable[[RunError], None] = lambda _: None
        self._error: RunError | None = None
        self._states = {pool.name: _State() for pool in batch.pools}
        self._looked = -math.inf
        self._task: asyncio.Task[None] | None = None
        self._system = BatchSystem(batch.kind)
        security = files.security
        self._specs = {
            pool.name: job_spec(
                batch,
                pool,
                run=run_id,
                security=security,
                shared=shared,
                environment=environment,
            )
            for pool in batch.pools
        }
        with listen(address, ports=batch.ports) as listener:
            port = listener.getsockname()[1]
        scheduler = scheduler_spec(host=address, port=port, security=security)
        super().__init__(scheduler=scheduler, security=security)  # type: ignore[no-untyped-call]
        self.sync(self._begin)  # type: ignore[no-untyped-call]

    def close(self, timeout: float | None = None) -> Any:  # noqa: ANN401 - as of Dask
        """Cancel all jobs, and end the scheduler."""
        if self._task is not None:
            self.sync(self._end)  # type: ignore[no-untyped-call]
        return super().close(timeout)

    def ask(self, demand: Demand) -> None:
        """Say what there is to do besides what was sent; callable from any thread."""
        self._demand = demand

    def on_failure(self, give_up: Callable[[RunError], None]) -> None:
        """Say who is told, from another thread, when there will be no workers."""
        self._give_up = give_up
        if self._error is not None:
            give_up(self._error)

    def on_line(self, tell: Callable[[str], None]) -> None:
        """Say who is told, from another thread, what users are to read."""
        self._tell = tell

    async def _begin(self) -> None:
        self._task = asyncio.ensure_future(self._adapt())

    async def _end(self) -> None:
        task, self._task = self._task, None
        self._system.closed = True
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _adapt(self) -> None:
        failures = 0
        while self._error is None:
            try:
                await self._step()
                failures = 0
            except Exception as error:
                LOG.exception("pools could not be adapted")  # the next step sees the same jobs
                failures += 1
                if failures >= FAILURES:
                    self._fail(f"pools cannot be adapted to what there is to do: {type(error).__name__}: {error}")
            await asyncio.sleep(STEP_SECONDS)

    async def _step(self) -> None:
        """Look at jobs, workers and tasks, and submit and cancel jobs."""
        now = monotonic()
        self._take_in_submissions(now)
        if now > self._looked + QUEUE_SECONDS and any(state.jobs for state in self._states.values()):
            self._looked = now
            await self._look_at_queue(now)
            now = monotonic()
        self._look_at_workers(now)
        observations = observe(
            self.scheduler,
            pools=self._batch.pools,
            jobs={name: state.jobs for name, state in self._states.items()},
            demand=self._demand,
            start_seconds={name: state.start_seconds for name, state in self._states.items()},
            policy=self._policy,
            now=now,
        )
        for pool in self._batch.pools:
            decision = decide(observations[pool.name], bounds=PoolBounds.of(pool), policy=self._policy)
            self._add(pool, decision.add, now=now)
            await self._stop(pool, decision.stop)
        await asyncio.shield(self)  # cancelled with this step, it would lose sight of jobs that are being submitted

    def _add(self, pool: Pool, number: int, *, now: float) -> None:
        state = self._states[pool.name]
        number = min(number, MOST_ADDED) if now >= state.resume else 0
        for _ in range(number):
            name = f"{self._prefix}{pool.name}.{next(state.numbers)}"
            state.jobs[name] = Job(name=name, pool=pool, submitted=now)
            options = {"name": name, "spec": self._specs[pool.name], "system": self._system}
            self.worker_spec[_key(name)] = {"cls": Submission, "options": options}
        if number:
            self._tell(f"pool {pool.name}: {number} {'job' if number == 1 else 'jobs'} submitted")

    async def _stop(self, pool: Pool, names: tuple[str, ...]) -> None:
        jobs = self._states[pool.name].jobs
        running = workers_by_job(self.scheduler)
        for name in names:
            addresses = [worker.address for worker in running.get(name, ())]
            if addresses:
                retired = await self.scheduler.retire_workers(workers=addresses, remove=True, close_workers=True)
                if len(retired) < len(addresses):
                    continue  # nobody else can take what it has in memory
            self._forget(jobs, name)

    def _forget(self, jobs: dict[str, Job], name: str) -> None:
        """Have a job cancelled, if it is still there, at the end of the step."""
        del jobs[name]
        self.worker_spec.pop(_key(name), None)

    def _take_in_submissions(self, now: float) -> None:
        """Note by which number jobs go, and which were rejected."""
        for pool in self._batch.pools:
            state = self._states[pool.name]
            rejections = []
            for name, job in list(state.jobs.items()):
                submission = self.workers.get(_key(name))
                if not isinstance(submission, Submission):
                    continue
                if submission.rejection is not None:
                    rejections.append(submission.rejection)
                    self._forget(state.jobs, name)
                elif job.number is None:
                    job.number, job.submitted = submission.number, submission.submitted
            if rejections:
                state.failed(now)
                self._tell(f"pool {pool.name}: the batch system rejects {len(rejections)} jobs: {rejections[0]}")
                if not state.jobs:  # with some it goes on
                    self._give_up_after(state, f"pool {pool.name}: the batch system rejects its jobs: {rejections[0]}")

    async def _look_at_queue(self, now: float) -> None:
        """Forget jobs that are gone; the next decision replaces those that there is work for."""
        try:
            queue = await asyncio.to_thread(queued_jobs, self._batch.kind)
        except CannotTell as error:
            LOG.warning("%s", error)
            return
        present = {job.number: job for job in queue}
        for pool in self._batch.pools:
            state = self._states[pool.name]
            lost = [
                job
                for job in state.jobs.values()
                if job.number is not None and not _seen(job, present, now=now) and job.submitted + SETTLE_SECONDS < now
            ]
            margin = pool.margin.total_seconds()
            early = [job.number for job in lost if job.connected is not None and (job.left(now) or 0.0) > margin]
            if early:
                self._tell(
                    f"pool {pool.name}: jobs {', '.join(map(str, early))} are gone; what they were at is done again"
                )
            for job in lost:
                self._forget(state.jobs, job.name)
            unborn = [job for job in lost if job.connected is None]
            if unborn:
                state.failed(now)
                self._tell(f"pool {pool.name}: {len(unborn)} jobs ended before they had a worker")
            if unborn and not any(job.connected for job in [*lost, *state.jobs.values()]):
                self._give_up_after(
                    state,
                    f"pool {pool.name}: its jobs end before they have a worker; what they printed is in "
                    f"{(self._shared / 'logs').resolve()}; `python -m infra.doctor --cluster …` looks for the reason",
                )

    def _look_at_workers(self, now: float) -> None:
        """Note which jobs have workers, and whether these have work."""
        running = workers_by_job(self.scheduler)
        for state in self._states.values():
            for name, job in list(state.jobs.items()):
                workers = running.get(name, ())
                if not workers:
                    if job.connected is None and job.began is not None and now > job.began + STUCK_SECONDS:
                        self._forget(state.jobs, name)
                        state.failed(now)
                        self._tell(f"pool {job.pool.name}: job {job.number} runs and has no worker; it is cancelled")
                    elif job.seen is not None and now > job.seen + ABANDONED_SECONDS:
                        self._forget(state.jobs, name)
                    continue
                if job.connected is None:
                    job.connected = job.busy = now
                    job.begin()
                    state.failures = 0
                    state.start_seconds = now - job.submitted
                job.seen = now
                job.draining = all(worker.status.name not in {"running", "paused"} for worker in workers)
                if any(worker.processing for worker in workers):
                    job.busy = now

    def _give_up_after(self, state: _State, reason: str) -> None:
        if state.failures >= FAILURES:
            self._fail(reason)

    def _fail(self, reason: str) -> None:
        self._error = RunError(f"{reason}. What is finished is kept, and the same command goes on from there")
        self._give_up(self._error)


def _key(name: str) -> str:
    """Name an entry of the cluster: not as its worker, or Dask's cluster would replace it when that one is lost."""
    return f"job {name}"


def _seen(job: Job, present: Mapping[str, QueuedJob], *, now: float) -> bool:
    """Whether a job is in the queue, noting its state there."""
    queued = present.get(job.number or "")
    if queued is None or queued.state == "failed":
        return False
    if queued.state == "pending":  # for the first time, or again after it was preempted
        job.began = job.connected = job.seen = None
        job.waited = now
    else:
        job.begin()
    return True
