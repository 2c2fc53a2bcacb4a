"""From a cluster file of a batch system to pools that run, of which nothing stays behind."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from distributed.protocol.pickle import dumps

from infra.clusters.addresses import own_address, shared_folder
from infra.clusters.certificates import certificates
from infra.clusters.directives import job_prefix
from infra.clusters.model import Batch
from infra.clusters.pools import PoolCluster
from infra.clusters.run_folder import run_folder
from infra.clusters.watchdog import watchdog
from infra.pool_worker import KERNELS, PREPARE

PASSED_ON = ("PREFECT_API_", "PREFECT_LOGGING_", "PREFECT_INTERNAL_", "DASK_LOGGING_")
"""What the names of variables begin with that jobs are given as they are here."""


@contextmanager
def pool_cluster(
    batch: Batch, *, run_id: str, settings: Mapping[str, object], prepare: Callable[[], object]
) -> Iterator[PoolCluster]:
    """Start a scheduler here and jobs around it; at the end, however this process ends, none is left.

    Parameters
    ----------
    run_id
        Part of the jobs' names.
    settings
        Of Dask, for the workers.
    prepare
        What each worker does before it connects.
    """
    address = own_address(batch.interface)
    shared = shared_folder(batch)
    with (
        run_folder(batch, run=run_id) as folder,
        _logs(shared / "logs" / run_id, folder=folder),
        certificates(folder, hosts=[address]) as files,
        watchdog(batch.kind, prefix=job_prefix(run=run_id), folder=folder),
    ):
        preparation = folder / "prepare.pickle"
        preparation.write_bytes(dumps(prepare))
        own = {KERNELS: str(shared / "kernels"), PREPARE: str(preparation)}
        environment = job_environment(os.environ, settings=settings) | own
        with PoolCluster(
            batch, run_id=run_id, files=files, shared=folder, environment=environment, address=address
        ) as cluster:
            yield cluster


def job_environment(variables: Mapping[str, str], *, settings: Mapping[str, object]) -> dict[str, str]:
    """Return the variables of the workers' environment, which some batch systems do not hand on.

    Parameters
    ----------
    variables
        Of this process.
    settings
        Of Dask, which reads them from variables.
    """
    own = {f"DASK_{name.upper().replace('.', '__').replace('-', '_')}": str(value) for name, value in settings.items()}
    return own | {name: value for name, value in variables.items() if name.startswith(PASSED_ON)}


@contextmanager
def _logs(logs: Path, *, folder: Path) -> Iterator[None]:
    """Have jobs print into a folder outside of the run's own, where it is kept if the run fails."""
    logs.mkdir(parents=True)
    (folder / "logs").symlink_to(logs)
    yield
    shutil.rmtree(logs, ignore_errors=True)
