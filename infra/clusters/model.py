"""What a cluster file says: this machine, a scheduler that runs already, or pools of jobs of a batch system."""

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from infra.clusters.pool import Pool, Ports, Size
from infra.resources import Offer
from tasks.core.errors import as_yaml
from tasks.core.section import Section, named_entries


class Local(Section):
    """Worker processes on this machine."""

    kind: Literal["local"] = "local"
    workers: int | None = Field(default=None, description="Worker processes; default one per core.", ge=1)
    memory: Size | None = Field(
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


UNKNOWN = {
    "pbs": ("qos", "memory_per_core"),
    "sge": ("qos",),
    "oar": ("qos",),
    "htcondor": ("queue", "qos", "memory_per_core"),
}
"""Fields of a pool that a batch system has no option for."""


class Batch(Section):
    """Pools of jobs of a batch system; the scheduler runs in the process of the run."""

    kind: Literal["slurm", "pbs", "sge", "lsf", "oar", "htcondor"]
    pools: tuple[Pool, ...] = Field(description="By name: cpu, gpu, …", min_length=1)
    interface: str | None = Field(
        default=None,
        description="Interface of this machine that nodes reach, such as ib0; default its address.",
    )
    ports: Ports | None = Field(
        default=None,
        description="Ports of this machine that nodes reach, such as 40000:40100; the scheduler and Prefect's server "
        "take one each.",
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

    @field_validator("folder")
    @classmethod
    def _is_one_word(cls, folder: Path) -> Path:
        if re.search(r"[\s,:'\"]", str(folder)):
            raise ValueError(
                f"got {str(folder)!r}; expected a path without blanks, commas, colons and quotes, which batch systems "
                "take for several"
            )
        return folder

    @model_validator(mode="after")
    def _says_what_the_system_knows(self) -> Self:
        for pool in self.pools:
            for name in UNKNOWN.get(self.kind, ()):
                if value := getattr(pool, name):
                    raise ValueError(
                        f"pools.{pool.name}.{name}: got {as_yaml(value)}, for which "
                        f"{self.kind} has no option; expected what your site says, in directives"
                    )
        return self

    @property
    def offers(self) -> tuple[Offer, ...]:
        """Dask resources of the workers of each pool."""
        return tuple(pool.offer for pool in self.pools)


Cluster = Local | Address | Batch
