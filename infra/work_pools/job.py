"""What a worker starts in place of a flow run: a job that carries it out, followed from here until it has ended.

``python -m infra.work_pools.job --cluster FILE --pool NAME``, with PREFECT__FLOW_RUN_ID in the environment. It waits,
hands on what the job prints, and costs next to nothing; where it is told to end, or killed, the job is cancelled.
"""

import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from infra.clusters.directives import job_prefix
from infra.clusters.find import find_cluster
from infra.clusters.job_states import CannotTell, cancel, queued_jobs
from infra.clusters.jobs import job_spec
from infra.clusters.model import Batch
from infra.clusters.pool import Pool
from infra.clusters.run_folder import run_folder
from infra.clusters.submission import Rejected, submit
from infra.clusters.watchdog import watchdog
from infra.share import CORES, MEMORY
from infra.work_pools.report import is_settled, tell_flow_run
from tasks.core.errors import ConfigError, RunError, UserError, suggestion

FAILED, USAGE = 1, 2

FLOW_RUN = "PREFECT__FLOW_RUN_ID"

PASSED_ON = ("PREFECT_", "SCIP_", "DASK_")
"""What the names of variables begin with that the job is given as they are here."""

CONTROL = ("PREFECT__CONTROL_PORT", "PREFECT__CONTROL_TOKEN")
"""Lead back to the worker, over the loopback of this machine; batch systems may hand on all that a command has."""

LOOK_SECONDS = 5.0
"""How often the queue is looked at."""

LATE_SECONDS = 15.0
"""After a job has left the queue, what it wrote may take so long to show: network folders remember what they lacked."""

GRACE_SECONDS = 20.0
"""A flow run that was cancelled has so long to end by itself, before its job is cancelled; Prefect kills after 30 s."""

LAST_LINES = 20
"""Of what a job printed that ended without telling."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def main(
    *,
    cluster: Annotated[str, typer.Option(metavar="NAME|FILE", help="Cluster file.")],
    pool: Annotated[str, typer.Option(metavar="NAME", help="Its pool, whose jobs flow runs are.")],
) -> None:
    """Carry out the flow run of the environment as a job, and wait for its end."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    for name in CONTROL:
        os.environ.pop(name, None)
    flow_run = os.environ.get(FLOW_RUN, "")
    try:
        if not flow_run:
            raise ConfigError(f"{FLOW_RUN} is not set; a worker of Prefect sets it")
        status = carry_out(find_pool(cluster, pool), flow_run=flow_run, stop=stop)
    except (UserError, RunError) as error:
        tell_flow_run(flow_run, str(error), error=True)
        typer.echo(f"error: {error}", err=True)
        status = USAGE if isinstance(error, UserError) else FAILED
    raise typer.Exit(status)


def find_pool(cluster: str, name: str) -> tuple[Batch, Pool]:
    """Find a pool of a cluster file.

    Raises
    ------
    ConfigError
        There is none.
    """
    batch = find_cluster(cluster)
    if not isinstance(batch, Batch):
        raise ConfigError(
            f"the cluster {cluster!r} is of kind {batch.kind}, which has no jobs; give one that has pools"
        )
    pools = {entry.name: entry for entry in batch.pools}
    if name not in pools:
        raise ConfigError(f"the cluster {cluster!r} has no pool {name!r}; {suggestion(name, pools)}")
    return batch, pools[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowJob:
    """A job that was submitted.

    Parameters
    ----------
    name, number
        By which the batch system has it.
    status
        File that appears when the flow run has ended.
    logs
        Folder of what it prints.
    """

    batch: Batch
    name: str
    number: str
    status: Path
    logs: Path


def carry_out(where: tuple[Batch, Pool], *, flow_run: str, stop: threading.Event) -> int:
    """Submit a job for a flow run, follow it, and return the exit status that the flow run would have had.

    Parameters
    ----------
    stop
        Set when it is to be cancelled.

    Raises
    ------
    RunError
        The batch system rejects it, or it ended without telling.
    """
    batch, pool = where
    run = f"flow{flow_run[-12:]}"  # identities of runs that begin together have their beginning in common
    with (
        run_folder(batch, run=run) as folder,
        watchdog(batch.kind, prefix=job_prefix(run=run), folder=folder),
    ):
        job = _submit(batch, pool, run=run, folder=folder)
        tell_flow_run(flow_run, f"job {job.number} of {batch.kind} carries out this run, in pool {pool.name}")
        with _printing(job.logs):
            _follow(job, stop=stop)
        status = 128 + signal.SIGTERM if stop.is_set() else _status(job)
        if status is None:
            printed = "\n".join(_lines(job.logs)[-LAST_LINES:]) or "nothing"
            raise RunError(
                f"job {job.number} ended before the flow run did: cancelled, out of time or memory, its node gone, or "
                f"Python not to be found there. It printed: {printed}"
            )
    # The worker makes a crash of any other status, and this one's reason would be lost.
    return 0 if status == 0 or is_settled(flow_run) else status


def _submit(batch: Batch, pool: Pool, *, run: str, folder: Path) -> FlowJob:
    status = folder / "status"
    spec = job_spec(batch, pool, run=run, security=None, shared=folder, environment=_environment(pool))
    options = spec.options | {
        "worker_command": "infra.work_pools.node",
        "worker_extra_args": [shlex.quote(part) for part in ("--status", str(status), "--folder", str(Path.cwd()))],
    }
    try:
        number = submit(spec.cls("none", name=run, **options))
    except Rejected as rejected:
        raise RunError(f"the batch system rejects the job of pool {pool.name}: {rejected}") from rejected
    return FlowJob(batch=batch, name=options["job_name"], number=number, status=status, logs=folder / "logs")


def _environment(pool: Pool) -> dict[str, str]:
    """Return the variables of the job, of which a run in it takes no more of the node than its share."""
    passed = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    return passed | {CORES: str(pool.cores), MEMORY: str(pool.worker_memory * pool.workers)}


def _follow(job: FlowJob, *, stop: threading.Event) -> None:
    """Return when the job has left the queue, or has been cancelled."""
    seen = time.monotonic()
    while not stop.wait(LOOK_SECONDS):
        state = _state(job)
        if state == "failed":  # the batch system keeps it, but starts it no more
            break
        if state != "gone":
            seen = time.monotonic()
        elif _status(job) is not None or time.monotonic() > seen + LATE_SECONDS:
            return
    if _state(job) == "running":
        _wait_for(lambda: _status(job) is not None, seconds=GRACE_SECONDS)
    with suppress(CannotTell):  # who watches over it cancels it again
        cancel(job.batch.kind, [job.number])


def _state(job: FlowJob) -> str:
    """Return a job's state, ``gone`` where the batch system has it no more, ``unknown`` where it does not answer."""
    try:
        queue = {queued.name: queued.state for queued in queued_jobs(job.batch.kind)}
    except CannotTell:
        return "unknown"
    return queue.get(job.name, "gone")


def _status(job: FlowJob) -> int | None:
    """Return the exit status that a flow run has left; None where there is none yet."""
    with suppress(OSError, ValueError):
        os.listdir(job.status.parent)  # noqa: PTH208 - has a network file system ask its server
        return int(job.status.read_text(encoding="utf-8"))
    return None


def _wait_for(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.5)


def _lines(logs: Path) -> list[str]:
    return [line for path in sorted(logs.glob("*")) for line in path.read_text(errors="replace").splitlines()]


@contextmanager
def _printing(logs: Path) -> Iterator[None]:
    """Hand on what a job prints, while the block runs and to the end of it."""
    ended = threading.Event()

    def hand_on() -> None:
        read: dict[Path, int] = {}
        last = False
        while not last:
            last = ended.wait(LOOK_SECONDS)
            for path in sorted(logs.glob("*")):
                with suppress(OSError), path.open("rb") as file:
                    file.seek(read.get(path, 0))
                    sys.stdout.buffer.write(file.read())
                    read[path] = file.tell()
            sys.stdout.flush()

    thread = threading.Thread(target=hand_on, name="log", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


if __name__ == "__main__":
    app(prog_name="python -m infra.work_pools.job")
