"""What can be told of a cluster before anything is started."""

import socket
from collections.abc import Collection, Mapping
from math import ceil

from pydantic import ByteSize

from infra.clusters.model import Batch, Cluster, Local
from infra.clusters.pool import SMALLEST, WORKER_SHARE, Pool
from infra.resources import Asked, settle
from infra.share import own_cores
from tasks.core.errors import RunError
from tasks.core.gpus import count_gpus

ANSWER_SECONDS = 10.0
"""How long a scheduler that should run may take to accept a connection."""


def worker_count(cluster: Local, workers: int | None) -> int:
    """Tell how many CPU workers to start: as asked for, else as the cluster's file says, else one per core."""
    return workers or cluster.workers or own_cores()


def worker_memory(cluster: Cluster) -> int | None:
    """Tell how many bytes the smallest worker may take, where that is known before there is any."""
    return min(pool.worker_memory for pool in cluster.pools) if isinstance(cluster, Batch) else None


def local_pools(*, workers: int, gpus: int, memory: int, segment: Asked) -> tuple[Pool, ...]:
    """Describe this machine as pools of one job each: workers for CPUs, and one more for each GPU.

    Without a GPU every worker carries the segmentation's resource too, so that the same configuration runs.

    Parameters
    ----------
    memory
        Bytes that each worker may take.
    """
    extra = {} if gpus or segment == "auto" else {name: amount for name, amount in segment.items() if amount > 0}
    pools = [Pool(name="cpu", cores=workers, memory=_job_memory(memory, workers=workers), resources=extra)]
    if gpus:
        pools.append(Pool(name="gpu", gpus=gpus, memory=_job_memory(memory, workers=gpus)))
    return tuple(pools)


def _job_memory(memory: int, *, workers: int) -> ByteSize:
    return ByteSize(max(ceil(memory * workers / WORKER_SHARE), SMALLEST))


def check_cluster(
    cluster: Cluster,
    *,
    workers: int | None,
    needed: Mapping[str, Asked],
    devices: Mapping[str, Collection[str]],
) -> None:
    """Find out before anything is started whether a cluster can run the stages.

    Parameters
    ----------
    workers
        Overrides the cluster's own number.
    needed, devices
        What stages need, as configured, and what their methods can use and may; see `infra.resources.settle`.

    Raises
    ------
    ConfigError
        No worker would offer what a stage needs, such as the GPU that it demands.
    RunError
        No scheduler answers at the address.
    """
    if isinstance(cluster, Batch):
        settle(needed, offers=cluster.offers, devices=devices, pools=[pool.name for pool in cluster.pools])
        return
    if isinstance(cluster, Local):
        pools = local_pools(
            workers=worker_count(cluster, workers),
            gpus=count_gpus(),
            memory=cluster.memory or 0,
            # without a GPU processors take what asks for one, unless one is demanded
            segment=needed.get("segment", "auto") if "cpu" in devices.get("segment", ("cpu",)) else "auto",
        )
        settle(needed, offers=[pool.offer for pool in pools], devices=devices)
        return
    try:
        socket.create_connection(cluster.host_and_port, timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise RunError(
            f"no Dask scheduler answers at {cluster.address}: {error.strerror or error}; is it running, and is the "
            "address right?"
        ) from error
