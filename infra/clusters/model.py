"""What stands behind ``--cluster``, and what can be told of it before anything is started."""

import os
import socket
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import ByteSize, Field, TypeAdapter, ValidationError, field_validator

from infra.clusters.pool import Pool
from infra.gpus import count_gpus
from infra.resources import CPU, GPU, Asked, Offer, settle
from tasks.core.errors import ConfigError, RunError, suggestion
from tasks.core.section import Section, named_entries
from tasks.core.yaml_text import parse_yaml

CLUSTERS = Path(__file__).parent

ANSWER_SECONDS = 10.0
"""How long a scheduler that should run may take to accept a connection."""


class Local(Section):
    """Worker processes on this machine."""

    kind: Literal["local"] = "local"
    workers: int | None = Field(default=None, description="Worker processes; default one per core.", ge=1)
    memory: ByteSize | None = Field(
        default=None, description="Of each worker, such as 4 GB; default its share of the machine's."
    )


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


class Batch(Section):
    """Pools of jobs of a batch system; the scheduler runs in the process of the run."""

    kind: Literal["slurm", "pbs", "sge", "lsf", "oar", "htcondor"]
    pools: tuple[Pool, ...] = Field(description="By name: cpu, gpu, …", min_length=1)
    interface: str | None = Field(
        default=None,
        description="Interface of this machine that nodes reach, such as ib0; default its address.",
    )
    ports: str | None = Field(
        default=None,
        description="Ports of this machine that nodes reach, such as 40000:40100; the scheduler and Prefect's server "
        "take one each.",
        pattern=r"^\d+:\d+$",
    )
    folder: Path = Field(
        default=Path("~/.scip-flows"),
        description="Folder that nodes see under the same path: certificates of runs, readable by you alone, job logs.",
    )

    @field_validator("pools", mode="before")
    @classmethod
    def _may_be_a_mapping(cls, pools: object) -> object:
        return named_entries(pools)

    @field_validator("pools")
    @classmethod
    def _have_names_of_their_own(cls, pools: tuple[Pool, ...]) -> tuple[Pool, ...]:
        names = [pool.name for pool in pools]
        if len(set(names)) < len(names):
            raise ValueError(f"got pools {', '.join(names)}; expected names of their own")
        return pools

    @property
    def offers(self) -> tuple[Offer, ...]:
        """Dask resources of the workers of each pool."""
        return tuple(pool.offer for pool in self.pools)


Cluster = Local | Address | Batch
CLUSTER = TypeAdapter[Cluster](Annotated[Cluster, Field(discriminator="kind")])


def find_cluster(name: str) -> Cluster:
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
        content = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"--cluster: {path} cannot be read as YAML: {error}") from error
    return _validated(content, where=f"the cluster file {path}")


def _validated(content: object, *, where: str) -> Cluster:
    try:
        return CLUSTER.validate_python(content)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        lines = [
            ": ".join([*map(str, mistake["loc"]), mistake["msg"].removeprefix("Value error, ")]) for mistake in mistakes
        ]
        raise ConfigError("\n  ".join([f"{where}:", *lines])) from error


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
