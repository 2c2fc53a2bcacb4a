"""What can be told of a cluster before anything is started."""

import os
import socket
from collections.abc import Collection, Mapping, Sequence

from infra.clusters.model import Batch, Cluster, Local
from infra.gpus import count_gpus
from infra.resources import CPU, GPU, Asked, Offer, settle
from tasks.core.errors import RunError

ANSWER_SECONDS = 10.0
"""How long a scheduler that should run may take to accept a connection."""


def worker_count(cluster: Local, workers: int | None) -> int:
    """Tell how many CPU workers to start: as asked for, else as the cluster's file says, else one per core."""
    return workers or cluster.workers or os.cpu_count() or 1


def worker_memory(cluster: Cluster) -> int | None:
    """Tell how many bytes the smallest worker may take, where that is known before there is any."""
    return min(pool.worker_memory for pool in cluster.pools) if isinstance(cluster, Batch) else None


def local_offers(*, workers: int, gpus: int, segment: Asked) -> Sequence[Offer]:
    """Resources of the workers of a local cluster: CPU workers first, then one per GPU.

    Without a GPU every worker carries the segmentation's resource too, so that the same configuration runs.
    """
    extra = {} if gpus or segment == "auto" else segment
    return [{**CPU, **extra}] * workers + [GPU] * gpus


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
        What stages need, as configured, and what their methods can use; see `infra.resources.settle`.

    Raises
    ------
    ConfigError
        No worker would offer what a stage needs.
    RunError
        No scheduler answers at the address.
    """
    if isinstance(cluster, Batch):
        settle(needed, offers=cluster.offers, devices=devices)
        return
    if isinstance(cluster, Local):
        offers = local_offers(
            workers=worker_count(cluster, workers), gpus=count_gpus(), segment=needed.get("segment", "auto")
        )
        settle(needed, offers=offers, devices=devices)
        return
    try:
        socket.create_connection(cluster.host_and_port, timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise RunError(
            f"no Dask scheduler answers at {cluster.address}: {error.strerror or error}; is it running, and is the "
            "address right?"
        ) from error
