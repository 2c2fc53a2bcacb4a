"""From the name of a cluster to a Dask cluster and the Prefect task runner on it."""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import dask
import psutil
import yaml
from distributed import Client, Nanny, Scheduler
from distributed.deploy.spec import SpecCluster
from distributed.security import Security
from pydantic import Field, TypeAdapter, ValidationError, field_validator

from infra.gpus import count_gpus
from infra.runner import TaskRunner
from tasks.core.errors import ConfigError, RunError, suggestion
from tasks.core.section import Section

CLUSTERS = Path(__file__).parent / "clusters"

DASK_SETTINGS = {
    "distributed.deploy.lost-worker-timeout": "120s",  # at the default of 15 s restarting workers are given up
    "distributed.comm.timeouts.connect": "60s",
    "distributed.worker.daemon": False,
    # Workers set up their log as they are imported, before a level could reach them in another way. A variable of this
    # name in the environment comes first.
    "distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED": "error",
}

ANSWER_SECONDS = 10.0
"""How long a scheduler that should run may take to accept a connection."""

Offer = Mapping[str, float]
"""The resources of one worker."""


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

    @field_validator("address")
    @classmethod
    def _has_host_and_port(cls, address: str) -> str:
        try:
            parts = urlsplit(address)
            complete = parts.scheme in {"tcp", "tls"} and bool(parts.hostname) and parts.port is not None
        except ValueError:  # a port that is no number
            complete = False
        if not complete:
            raise ValueError(f"got {address!r}; expected a scheduler's address such as tls://host:8786")
        return address

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Where the scheduler listens."""
        parts = urlsplit(self.address)
        return parts.hostname or "", parts.port or 0


Cluster = Annotated[Local | Address, Field(discriminator="kind")]


def find_cluster(name: str) -> Local | Address:
    """Read what stands behind ``--cluster``: a scheduler's address, a YAML file, or a name in infra/clusters.

    Raises
    ------
    ConfigError
        There is no such cluster, or its file is wrong.
    """
    if "://" in name:
        return _validated({"kind": "address", "address": name}, where="--cluster")
    named = {path.stem: path for path in sorted(CLUSTERS.glob("*.yaml"))}
    path = named.get(name) or Path(name)
    if not path.is_file():
        raise ConfigError(
            f"--cluster: got {name!r}, which is no file; give a YAML file, an address such as tls://host:8786, or a "
            f"name; {suggestion(name, named)}"
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"--cluster: {path} cannot be read as YAML: {error}") from error
    return _validated(content, where=f"the cluster file {path}")


def _validated(content: object, *, where: str) -> Local | Address:
    try:
        return TypeAdapter[Local | Address](Cluster).validate_python(content)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        lines = [": ".join([*map(str, one["loc"]), one["msg"].removeprefix("Value error, ")]) for one in mistakes]
        raise ConfigError("\n  ".join([f"{where}:", *lines])) from error


def task_runner(cluster: Local | Address, *, workers: int | None, segment: Mapping[str, float]) -> TaskRunner:
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
        return TaskRunner(address=cluster.address, client_kwargs={"security": security})
    return TaskRunner(
        cluster_class=local_cluster,  # type: ignore[arg-type] # the keywords come from cluster_kwargs
        cluster_kwargs={"workers": worker_count(cluster, workers), "gpus": count_gpus(), "segment": dict(segment)},
    )


def worker_count(cluster: Local, workers: int | None) -> int:
    """Tell how many CPU workers to start: as asked for, else as the cluster's file says, else one per core."""
    return workers or cluster.workers or os.cpu_count() or 1


def local_offers(*, workers: int, gpus: int, segment: Mapping[str, float]) -> list[dict[str, float]]:
    """Resources of the workers of a local cluster: CPU workers first, then one per GPU.

    Without a GPU the first worker carries the segmentation's resource too, so that the same graph runs.
    """
    cpus = [{"CPU": 1.0} for _ in range(workers)]
    if gpus == 0:
        cpus[0] |= segment
    return [*cpus, *({"GPU": 1.0} for _ in range(gpus))]


def local_cluster(*, workers: int, gpus: int, segment: Mapping[str, float]) -> SpecCluster:
    """Start a scheduler and worker processes of one thread each, over TLS, on the loopback only.

    Every CPU worker carries the resource CPU. Each GPU adds a worker that carries the resource GPU and sees only that
    device; without any, the first worker carries the segmentation's resource too.
    """
    security = Security.temporary()
    common: dict[str, Any] = {"host": "127.0.0.1", "protocol": "tls://", "security": security}
    memory = psutil.virtual_memory().total // (workers + gpus)
    specification: dict[object, Any] = {}
    for number, resources in enumerate(local_offers(workers=workers, gpus=gpus, segment=segment)):
        device = number - workers
        options = common | {"nthreads": 1, "memory_limit": memory, "resources": resources, "preload": ["infra.worker"]}
        if device >= 0:
            options["env"] = {"CUDA_VISIBLE_DEVICES": str(device)}
        name = f"gpu-{device}" if device >= 0 else f"cpu-{number}"
        specification[name] = {"cls": Nanny, "options": options}
    scheduler = {"cls": Scheduler, "options": common | {"port": 0, "dashboard_address": "127.0.0.1:0"}}
    return SpecCluster(workers=specification, scheduler=scheduler, security=security)


def check_cluster(
    cluster: Local | Address, *, workers: int | None, segment: Offer, needed: Mapping[str, Mapping[str, float]]
) -> None:
    """Find out before anything is started whether a cluster can run the stages.

    Raises
    ------
    ConfigError
        No local worker would offer what a stage needs.
    RunError
        No scheduler answers at the address.
    """
    if isinstance(cluster, Local):
        count = worker_count(cluster, workers)
        check_offers(local_offers(workers=count, gpus=count_gpus(), segment=segment), needed=needed)
        return
    try:
        socket.create_connection(cluster.host_and_port, timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise RunError(
            f"no Dask scheduler answers at {cluster.address}: {error.strerror or error}; is it running, and is the "
            "address right?"
        ) from error


def check_resources(client: Client, *, needed: Mapping[str, Mapping[str, float]]) -> None:
    """Refuse to start where no worker offers what a stage needs: Dask would wait for ever, in silence.

    Raises
    ------
    ConfigError
        Naming the stage, the resource, and what the workers offer.
    """
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    check_offers([worker.get("resources", {}) for worker in workers], needed=needed)


def check_offers(offers: Sequence[Offer], *, needed: Mapping[str, Mapping[str, float]]) -> None:
    """Compare what workers offer with what the stages need.

    Raises
    ------
    ConfigError
        Naming the stages, the resource, and what the workers offer.
    """
    lacking = [
        f"run.resources.{stage}: no worker of the cluster offers {_written(resources)}"
        for stage, resources in needed.items()
        if not any(all(offer.get(name, 0) >= amount for name, amount in resources.items()) for offer in offers)
    ]
    if lacking:
        offered = " or ".join(sorted({_written(offer) for offer in offers})) or "nothing: there is none"
        raise ConfigError("\n".join([*lacking, f"the workers offer {offered}"]))


def _written(resources: Mapping[str, float]) -> str:
    """Write resources as in the configuration."""
    return "{" + ", ".join(f"{name}: {amount:g}" for name, amount in resources.items()) + "}"
