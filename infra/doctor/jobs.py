"""A job of each pool, just as a run would submit it, that looks around on its node in place of working."""

import json
import os
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from infra.clusters.addresses import own_address
from infra.clusters.directives import job_prefix
from infra.clusters.job_states import CannotTell, QueuedJob, queued_jobs
from infra.clusters.jobs import job_spec
from infra.clusters.model import Batch
from infra.clusters.pool import Pool
from infra.clusters.run_folder import run_folder
from infra.clusters.start import job_environment
from infra.clusters.submission import Rejected, submit
from infra.clusters.watchdog import cancel_all
from infra.doctor.listener import Listener, listening
from infra.doctor.probe import Report

LONGEST_WALLTIME = timedelta(minutes=10)
"""A short job may start where a long one has to wait."""

LOOK_SECONDS = 1.0
"""How often the queue is looked at."""

LATE_SECONDS = 10.0
"""After its job has left the queue, a report may take so long to show: network folders remember what they lacked."""

LOG_LINES = 3
"""Of a job that did not report, those that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the job of a pool.

    Parameters
    ----------
    state
        ``rejected``, ``waiting`` and ``running`` (when the time was up), ``silent`` (it ended without a report) or
        ``reported``.
    words
        What the batch system or the job's log says.
    seconds
        Until it reported.
    report
        Of the node.
    """

    pool: Pool
    state: str
    words: str = ""
    seconds: float = 0.0
    report: Report | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Submitted:
    pool: Pool
    name: str
    number: str


def probe_pools(batch: Batch, *, seconds: float, api: str | None, paths: Sequence[Path] = ()) -> list[Outcome]:
    """Submit a job of each pool, wait, and tell what became of them; none is left in the queue.

    Parameters
    ----------
    seconds
        How long to wait.
    api
        The Prefect API that nodes have to reach; None: one that the run would start, on this machine.
    paths
        What nodes have to see, too.

    Raises
    ------
    ConfigError
        This machine has no address, port or folder for nodes.
    """
    run = f"doctor{uuid4().hex[:6]}"
    host = own_address(batch.interface)
    with ExitStack() as stack:
        listeners = [stack.enter_context(listening(host, ports=batch.ports)) for _ in range(1 if api else 2)]
        shared = stack.enter_context(run_folder(batch, run=run))
        arguments = ["--second", listeners[1].address] if api is None else ["--api", api]
        arguments += [part for path in paths for part in ("--path", str(path.absolute()))]
        begin = time.monotonic()
        outcomes: list[Outcome] = []
        submitted: list[_Submitted] = []
        try:
            for pool in batch.pools:
                attempt = _submit(batch, pool, run=run, shared=shared, listener=listeners[0], arguments=arguments)
                if isinstance(attempt, Outcome):
                    outcomes.append(attempt)
                else:
                    submitted.append(attempt)
            outcomes += _wait(batch, submitted, shared=shared, begin=begin, seconds=seconds)
        finally:
            with suppress(CannotTell):  # what is left goes by its walltime of some minutes
                cancel_all(batch.kind, prefix=job_prefix(run=run))
        return sorted(outcomes, key=lambda outcome: batch.pools.index(outcome.pool))


def _submit(
    batch: Batch, pool: Pool, *, run: str, shared: Path, listener: Listener, arguments: Sequence[str]
) -> _Submitted | Outcome:
    short = pool.model_copy(update={"walltime": min(pool.walltime, LONGEST_WALLTIME)})
    environment = job_environment(os.environ, settings={})
    spec = job_spec(batch, short, run=run, security=None, shared=shared, environment=environment)
    own = ["--report", str(_report(shared, pool)), *arguments]
    options = spec.options | {
        "worker_command": "infra.doctor.probe",
        "worker_extra_args": [shlex.quote(argument) for argument in own],
    }
    job = spec.cls(listener.address, name=f"{run}.{pool.name}", **options)
    try:
        number = submit(job)
    except Rejected as rejected:
        return Outcome(pool=pool, state="rejected", words=str(rejected))
    return _Submitted(pool=pool, name=options["job_name"], number=number)


def _wait(batch: Batch, jobs: Sequence[_Submitted], *, shared: Path, begin: float, seconds: float) -> Iterator[Outcome]:
    """Look until all have reported or left the queue, or until the time is up."""
    left, gone_since, queue = list(jobs), dict[str, float](), dict[str, QueuedJob]()
    while left:
        now = time.monotonic()
        with_answer = True
        try:
            queue = {job.name: job for job in queued_jobs(batch.kind)}
        except CannotTell:
            with_answer = False
        for job in tuple(left):
            outcome: Outcome | None = None
            if (report := _read(_report(shared, job.pool))) is not None:
                outcome = Outcome(pool=job.pool, state="reported", seconds=now - begin, report=report)
            elif with_answer and job.name not in queue:
                if now - gone_since.setdefault(job.name, now) > LATE_SECONDS:
                    outcome = Outcome(pool=job.pool, state="silent", words=_log(shared, job.name))
            elif now - begin > seconds:
                waits = job.name in queue and queue[job.name].state == "pending"
                outcome = Outcome(pool=job.pool, state="waiting" if waits else "running", words=f"job {job.number}")
            if outcome is not None:
                left.remove(job)
                yield outcome
        if left:
            time.sleep(LOOK_SECONDS)


def _report(shared: Path, pool: Pool) -> Path:
    return shared / f"{pool.name}.json"


def _read(path: Path) -> Report | None:
    try:
        os.listdir(path.parent)  # noqa: PTH208 - has a network file system ask its server
        report: Report = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return report


def _log(shared: Path, name: str) -> str:
    """Return the last lines of what a job printed."""
    lines = [line for path in sorted((shared / "logs").glob(f"{name}*")) for line in path.read_text().splitlines()]
    return " / ".join(line.strip() for line in lines[-LOG_LINES:])
