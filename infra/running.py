"""From a cluster that was found to workers and the Prefect task runner on them."""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, Scheduler
from distributed.deploy.spec import SpecCluster
from distributed.security import Security
from distributed.system import MEMORY_LIMIT

from infra.clusters.check import local_pools, worker_count
from infra.clusters.model import Address, Cluster
from infra.fork_server import FORKS, start_fork_server
from infra.gpus import count_gpus
from infra.nanny import PatientNanny
from infra.resources import Asked, Offer, settle
from infra.runner import TaskRunner
from infra.scratch import scratch_folder

DASK_SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,  # a task is sent again by the run, which knows what happened to it
    "distributed.deploy.lost-worker-timeout": "120s",  # at the default of 15 s restarting workers are given up
    "distributed.comm.timeouts.connect": "60s",
    "distributed.worker.daemon": False,
    # Looks at the stack, the loop and the machine, 10 to 50 times a second, in every process, for pages that are off:
    # 3 % of a core each.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "200ms",
    "distributed.worker.multiprocessing-method": "forkserver" if FORKS else "spawn",
    # Workers set up their log as they are imported, before a level could reach them in another way. A variable of this
    # name in the environment comes first.
    "distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED": "error",
}


@contextmanager
def running(cluster: Cluster, *, workers: int | None, segment: Asked) -> Iterator[TaskRunner]:
    """Start a cluster's workers, or find the scheduler that runs, and give the runner of its tasks.

    What workers read of the environment must be set before, such as PREFECT_API_URL; the server behind that address
    need not answer yet.

    Parameters
    ----------
    workers
        Overrides the cluster's own number.
    segment
        What is asked for segmentation; workers are given it where there is no GPU.
    """
    dask.config.set(DASK_SETTINGS)
    if isinstance(cluster, Address):
        security = Security(
            tls_ca_file=cluster.tls_ca_file,
            tls_client_cert=cluster.tls_cert,
            tls_client_key=cluster.tls_cert,
            require_encryption=cluster.address.startswith("tls://"),
        )
        yield TaskRunner(address=cluster.address, client_kwargs={"security": security})
        return
    count, gpus = worker_count(cluster, workers), count_gpus()
    memory = cluster.memory or MEMORY_LIMIT // (count + gpus)
    with local_cluster(workers=count, gpus=gpus, segment=segment, memory=memory) as started:
        yield TaskRunner(address=started.scheduler_address, client_kwargs={"security": started.security})


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
    # Without Dask's dashboard, whose address nobody is told, there is no bokeh to import.
    options = common | {"port": 0, "dashboard": False, "dashboard_address": "127.0.0.1:0"}
    scheduler = {"cls": Scheduler, "options": options}
    return SpecCluster(workers=specification, scheduler=scheduler, security=security)


def settle_resources(
    client: Client, *, needed: Mapping[str, Asked], devices: Mapping[str, Collection[str]]
) -> dict[str, Offer]:
    """Resolve what the stages need by what the workers of a running cluster offer; see `infra.resources.settle`."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return settle(needed, offers=[worker.get("resources", {}) for worker in workers], devices=devices)
