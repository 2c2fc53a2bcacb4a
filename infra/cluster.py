"""From the name of a cluster to a Dask cluster and the Prefect task runner on it."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import dask
import psutil
import yaml
from distributed import Client, Nanny, Scheduler
from distributed.deploy.spec import SpecCluster
from distributed.security import Security
from prefect_dask import DaskTaskRunner
from pydantic import Field, TypeAdapter, ValidationError

from infra.gpus import count_gpus
from tasks.core.errors import ConfigError, suggestion
from tasks.core.section import Section

CLUSTERS = Path(__file__).parent / "clusters"

DASK_SETTINGS = {
    "distributed.deploy.lost-worker-timeout": "120s",  # at the default of 15 s restarting workers are given up
    "distributed.comm.timeouts.connect": "60s",
    "distributed.worker.daemon": False,
}


class Local(Section):
    """Worker processes on this machine."""

    kind: Literal["local"] = "local"
    workers: int | None = Field(default=None, description="Worker processes; default one per core.", ge=1)


class Address(Section):
    """A scheduler that runs already."""

    kind: Literal["address"] = "address"
    address: str = Field(description="Such as tls://host:8786.")
    tls_ca_file: str | None = Field(default=None, description="Certificate authority; needed for tls://.")
    tls_cert: str | None = Field(default=None, description="Certificate (and key) of this client; needed for tls://.")


Cluster = Annotated[Local | Address, Field(discriminator="kind")]


def find_cluster(name: str) -> Local | Address:
    """Read what stands behind ``--cluster``: a scheduler's address, a YAML file, or a name in infra/clusters.

    Raises
    ------
    ConfigError
        There is no such cluster, or its file is wrong.
    """
    if "://" in name:
        return Address(address=name)
    named = {path.stem: path for path in sorted(CLUSTERS.glob("*.yaml"))}
    path = named.get(name) or Path(name)
    if not path.is_file():
        raise ConfigError(
            f"--cluster: no cluster {name!r}; {suggestion(name, named)}, or a YAML file, or an address such as "
            "tls://host:8786"
        )
    try:
        return TypeAdapter[Local | Address](Cluster).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigError(f"the cluster file {path}: {error}") from error


def task_runner(cluster: Local | Address, *, workers: int | None, segment: Mapping[str, float]) -> DaskTaskRunner:
    """Make the runner of a cluster's tasks.

    Parameters
    ----------
    workers
        Overrides the cluster's own number.
    segment
        Resource of segmentation tasks, which one local worker is given where there is no GPU.
    """
    dask.config.set(DASK_SETTINGS)
    if isinstance(cluster, Address):
        security = Security(
            tls_ca_file=cluster.tls_ca_file,
            tls_client_cert=cluster.tls_cert,
            tls_client_key=cluster.tls_cert,
            require_encryption=cluster.address.startswith("tls://"),
        )
        return DaskTaskRunner(address=cluster.address, client_kwargs={"security": security})
    count = workers or cluster.workers or os.cpu_count() or 1
    return DaskTaskRunner(
        cluster_class=local_cluster,  # type: ignore[arg-type] # the keywords come from cluster_kwargs
        cluster_kwargs={"workers": count, "gpus": count_gpus(), "segment": dict(segment)},
    )


def local_cluster(*, workers: int, gpus: int, segment: Mapping[str, float]) -> SpecCluster:
    """Start a scheduler and worker processes of one thread each, over TLS, on the loopback only.

    Every CPU worker carries the resource CPU. Each GPU adds a worker that carries the resource GPU and sees only that
    device; without any, the first worker carries the segmentation's resource too, so that the same graph runs.
    """
    specification: dict[object, Any] = {}
    options = {"nthreads": 1, "memory_limit": psutil.virtual_memory().total // (workers + gpus), "host": "127.0.0.1"}
    # Workers set up their log as they are imported, before Dask could hand them a level: so by the environment.
    level = os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")
    logging.getLogger("distributed").setLevel(level.upper())
    for number in range(workers):
        resources = {"CPU": 1.0} | (dict(segment) if number == 0 and gpus == 0 else {})
        specification[f"cpu-{number}"] = {"cls": Nanny, "options": {**options, "resources": resources}}
    for number in range(gpus):
        environment = {"CUDA_VISIBLE_DEVICES": str(number)}
        resources = {"GPU": 1.0}
        specification[f"gpu-{number}"] = {
            "cls": Nanny,
            "options": {**options, "resources": resources, "env": environment},
        }
    security = Security.temporary()
    scheduler = {
        "cls": Scheduler,
        "options": {
            "host": "127.0.0.1",
            "port": 0,
            "protocol": "tls://",
            "security": security,
            "dashboard_address": "127.0.0.1:0",
        },
    }
    for spec in specification.values():
        spec["options"] |= {"protocol": "tls://", "security": security}
    return SpecCluster(workers=specification, scheduler=scheduler, security=security)


def check_resources(client: Client, *, needed: Mapping[str, Mapping[str, float]]) -> None:
    """Refuse to start where no worker offers what a stage needs: Dask would wait for ever, in silence.

    Raises
    ------
    ConfigError
        Naming the stage, the resource, and what the workers offer.
    """
    offers = [worker.get("resources", {}) for worker in client.scheduler_info(n_workers=-1)["workers"].values()]
    for stage, resources in needed.items():
        if not any(all(offer.get(name, 0) >= amount for name, amount in resources.items()) for offer in offers):
            raise ConfigError(
                f"run.resources.{stage}: no worker of the cluster offers {dict(resources)}; the workers offer "
                f"{sorted({str(offer) for offer in offers})}"
            )
