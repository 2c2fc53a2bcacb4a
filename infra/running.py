"""From a cluster that was found to workers and the Prefect task runner on them."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dask
from distributed import Client
from distributed.deploy.spec import SpecCluster
from distributed.security import Security
from distributed.system import MEMORY_LIMIT

from infra.clusters.check import local_pools, worker_count
from infra.clusters.demand import Demand
from infra.clusters.model import Address, Batch, Cluster
from infra.clusters.scheduler import scheduler_spec
from infra.fork_server import FORKS, start_fork_server
from infra.nanny import PatientNanny
from infra.resources import Asked, Offer, settle
from infra.runner import TaskRunner
from infra.scratch import scratch_folder
from infra.share import own_memory
from tasks.core.errors import RunError
from tasks.core.gpus import count_gpus

WORKER_SETTINGS = {
    "distributed.comm.timeouts.connect": "60s",
    "distributed.worker.daemon": False,
    # Looks at the stack, the loop and the machine, 10 to 50 times a second, in every process, for pages that are off:
    # 3 % of a core each.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "200ms",
}

DASK_SETTINGS = {
    **WORKER_SETTINGS,
    "distributed.scheduler.allowed-failures": 0,  # a task is sent again by the run, which knows what happened to it
    "distributed.deploy.lost-worker-timeout": "120s",  # at the default of 15 s restarting workers are given up
    "distributed.worker.multiprocessing-method": "forkserver" if FORKS else "spawn",
    # Workers set up their log as they are imported, before a level could reach them in another way. A variable of this
    # name in the environment comes first.
    "distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED": "error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """A cluster that runs.

    Parameters
    ----------
    runner
        Of the tasks.
    ask
        Takes what there is to do besides what was sent, so that a cluster of pools may grow.
    on_failure
        Takes who is told, from another thread, when there will be no workers.
    on_line
        Takes who is told, from another thread, what users are to read.
    """

    runner: TaskRunner
    ask: Callable[[Demand], None] = lambda _: None
    on_failure: Callable[[Callable[[RunError], None]], None] = lambda _: None
    on_line: Callable[[Callable[[str], None]], None] = lambda _: None


@contextmanager
def running(
    cluster: Cluster,
    *,
    workers: int | None,
    segment: Asked,
    run_id: str,
    prepare: Callable[[], object],
) -> Iterator[Workers]:
    """Start a cluster's workers, or find the scheduler that runs, and give the runner of its tasks.

    What workers read of the environment must be set before, such as PREFECT_API_URL; the server behind that address
    need not answer yet.

    Parameters
    ----------
    workers
        Overrides the cluster's own number.
    segment
        What is asked for segmentation; workers are given it where there is no GPU.
    run_id
        Part of the names of jobs.
    prepare
        What workers of jobs do before they connect.
    """
    dask.config.set(DASK_SETTINGS)
    if isinstance(cluster, Address):
        yield Workers(runner=TaskRunner(address=cluster.address, client_kwargs={"security": security_of(cluster)}))
    elif isinstance(cluster, Batch):
        from infra.clusters.start import pool_cluster  # noqa: PLC0415 - the other kinds need no dask-jobqueue

        with pool_cluster(cluster, run_id=run_id, settings=WORKER_SETTINGS, prepare=prepare) as pools:
            security = pools.security
            runner = TaskRunner(address=pools.scheduler_address, client_kwargs={"security": security})
            yield Workers(runner=runner, ask=pools.ask, on_failure=pools.on_failure, on_line=pools.on_line)
    else:
        count, gpus = worker_count(cluster, workers), count_gpus()
        memory = cluster.memory or (own_memory() or MEMORY_LIMIT) // (count + gpus)
        with local_cluster(workers=count, gpus=gpus, segment=segment, memory=memory) as started:
            security = started.security
            yield Workers(runner=TaskRunner(address=started.scheduler_address, client_kwargs={"security": security}))


def security_of(cluster: Address) -> Security:
    """Return how a client shows itself to a scheduler that runs already."""
    return Security(
        tls_ca_file=cluster.tls_ca_file,
        tls_client_cert=cluster.tls_cert,
        tls_client_key=cluster.tls_cert,
        require_encryption=cluster.address.startswith("tls://"),
    )


def local_cluster(*, workers: int, gpus: int, segment: Asked, memory: int) -> SpecCluster:
    """Start a scheduler and worker processes of one thread each, over TLS, on the loopback only.

    Every CPU worker carries the resource CPU. Each GPU adds a worker that carries the resource GPU and sees only that
    device; without any, all carry the segmentation's resource too. `memory` is in bytes, of each worker.
    """
    start_fork_server()
    dask.config.set({"temporary-directory": str(scratch_folder())})
    security = Security.temporary()
    common: dict[str, Any] = {"host": "127.0.0.1", "protocol": "tls://", "security": security}
    environment = os.environ | {"TMPDIR": str(scratch_folder())}
    specification: dict[object, Any] = {}
    for pool in local_pools(workers=workers, gpus=gpus, memory=memory, segment=segment):
        options = common | {"nthreads": 1, "memory_limit": pool.worker_memory, "resources": pool.offer}
        for number in range(pool.workers):
            own = {"CUDA_VISIBLE_DEVICES": str(number)} if pool.gpus else {}
            # A process that is forked has the environment of when the first one was.
            own_options = options | {"preload": ["infra.worker"], "env": environment | own}
            specification[f"{pool.name}-{number}"] = {"cls": PatientNanny, "options": own_options}
    scheduler = scheduler_spec(host="127.0.0.1", port=0, security=security)
    return SpecCluster(workers=specification, scheduler=scheduler, security=security)


def settle_resources(
    client: Client, *, cluster: Cluster, needed: Mapping[str, Asked], devices: Mapping[str, Collection[str]]
) -> dict[str, Offer]:
    """Resolve what the stages need by what workers offer, which jobs may have yet to start; see `settle`."""
    if isinstance(cluster, Batch):
        return settle(needed, offers=cluster.offers, devices=devices)
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return settle(needed, offers=[worker.get("resources", {}) for worker in workers], devices=devices)
