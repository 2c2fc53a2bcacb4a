"""A worker process of a job: it ends in time, sees one GPU, and shares compiled code with its likes."""

import asyncio
import hashlib
import math
import os
import pickle
import platform
import re
import time
from collections.abc import MutableMapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from dask.utils import parse_timedelta
from distributed import Worker
from distributed.core import Status
from filelock import FileLock

from infra.clusters.pool import STAGGER_SHARE
from tasks.core.errors import RunError

KERNELS = "SCIP_FLOWS_KERNELS"
"""Variable with a folder that all nodes share, for compiled code."""

PREPARE = "SCIP_FLOWS_PREPARE"
"""Variable with a file of what a worker does before it connects: a pickled function without arguments."""

FINISH_SHARE = 0.8
"""Of the margin between the end of a worker's lifetime and that of its job, for which a task may go on."""

LOOK_SECONDS = 0.2

OUTLASTING = "scip-flows-outlasting"
"""Topic of Dask's events under which workers tell of tasks that were not done at their end."""

DEVICES = "CUDA_VISIBLE_DEVICES"


class PoolWorker(Worker):
    """Dask's worker, with what a job of a batch system needs besides."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - as of Dask
        name: object = None,
        lifetime: Any = None,  # noqa: ANN401
        lifetime_stagger: Any = None,  # noqa: ANN401
        **options: Any,  # noqa: ANN401
    ) -> None:
        self._finish_seconds = FINISH_SHARE * (parse_timedelta(lifetime_stagger) or math.inf) / STAGGER_SHARE
        if "GPU" in (options.get("resources") or {}):
            pin_device(str(name), variables=os.environ)
        share_kernels(os.environ)
        if lifetime:
            # The job's time began with the process that starts this one, perhaps again after a crash.
            lifetime = max(parse_timedelta(lifetime) - _job_age(), LOOK_SECONDS)
        super().__init__(*args, name=name, lifetime=lifetime, lifetime_stagger=lifetime_stagger, **options)

    async def start_unsafe(self) -> Any:  # noqa: ANN401 - as of Dask
        """Get ready, then connect: what is sent to a worker that does not listen yet is lost after half a minute."""
        if path := os.environ.get(PREPARE):
            await asyncio.to_thread(_prepare, Path(path))
        return await super().start_unsafe()  # type: ignore[no-untyped-call]

    async def close_gracefully(
        self,
        restart: Any = None,  # noqa: ANN401 - as of Dask
        reason: str = "worker-close-gracefully",
    ) -> None:
        """Begin no more tasks, finish the one that runs, and end; Dask's worker would abandon it.

        What waits here goes to others at once. What still runs when time is over is begun anew elsewhere, which for
        Dask is no death, and it is told how long it ran.
        """
        if self.status not in {Status.running, Status.paused}:
            await super().close_gracefully(restart=restart, reason=reason)
            return
        self.status = Status.closing_gracefully  # the scheduler learns of it, and sends nothing more
        for task in [*self.state.ready, *self.state.constrained]:
            back = {"op": "reschedule", "key": task.key, "worker": self.address, "stimulus_id": f"back-{time.time()}"}
            self.batched_send(back)
        end = time.monotonic() + self._finish_seconds
        while time.monotonic() < end and (self.state.executing_count or not await self._retire(reason)):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
        outlasting = list(self.state.executing)
        for task in outlasting:
            seconds = time.time() - (task.start_time or time.time())
            offer = dict(self.state.total_resources)
            self.log_event(OUTLASTING, {"task": str(task.key), "seconds": seconds, "offer": offer})
        if outlasting:
            await self._retire(reason)
        await self.close(nanny=not restart, reason=reason)

    async def _retire(self, reason: str) -> bool:
        """Have what has not begun sent to others; not as long as a result is here that nobody has fetched."""
        retired = await self.scheduler.retire_workers(
            workers=[self.address], close_workers=False, remove=True, stimulus_id=f"{reason}-{time.time()}"
        )
        return bool(retired)


def pin_device(name: str, *, variables: MutableMapping[str, str]) -> None:
    """Let a worker see the device of its number alone, of those that its job was given.

    Parameters
    ----------
    name
        Of the worker; it ends in a number where a job has several.
    variables
        The environment.

    Raises
    ------
    RunError
        The job was given fewer devices.
    """
    number = re.search(r"-(\d+)$", name)
    if number is None:
        return
    given = variables.get(DEVICES)
    devices = given.split(",") if given else [str(device) for device in range(int(number[1]) + 1)]
    if int(number[1]) >= len(devices):
        raise RunError(
            f"worker {name} has no GPU of its own: the batch system gave its job {DEVICES}={given}; compare `gpus` of "
            "the pool with what is asked for, which `python -m infra.job_script` prints"
        )
    variables[DEVICES] = devices[int(number[1])]


def share_kernels(variables: MutableMapping[str, str]) -> None:
    """Keep compiled code where all nodes of this kind find it, if they have a folder in which files can be locked."""
    folder = variables.get(KERNELS)
    if not folder or "NUMBA_CACHE_DIR" in variables:
        return
    own = Path(folder) / kind_of_node()
    trial = own / f"try-{platform.node()}-{os.getpid()}.lock"
    try:
        own.mkdir(parents=True, exist_ok=True)
        with FileLock(trial):
            variables["NUMBA_CACHE_DIR"] = str(own)
        trial.unlink(missing_ok=True)
    except (OSError, NotImplementedError):
        return  # each node compiles for itself


def kind_of_node() -> str:
    """Name what compiled code depends on: the processor and what it can do, and the compiler."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = [platform.processor()]
    processor = sorted(
        {line for line in lines if re.match(r"(model name|flags|Features|CPU (part|implementer))", line)}
    )
    versions = [platform.python_version(), version("numba"), version("llvmlite"), version("numpy")]
    return hashlib.sha256("\n".join([platform.machine(), *processor, *versions]).encode()).hexdigest()[:12]


def _prepare(path: Path) -> None:
    pickle.loads(path.read_bytes())()  # noqa: S301 - the run wrote it, into a folder that is only its user's


def _job_age() -> float:
    return time.time() - psutil.Process(os.getppid()).create_time()
