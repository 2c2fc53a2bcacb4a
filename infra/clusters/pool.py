"""A pool: jobs, or processes of this machine, that are all alike."""

import re
from datetime import timedelta
from math import floor
from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    ByteSize,
    Field,
    PositiveFloat,
    StringConstraints,
    field_validator,
    model_validator,
)

from infra.resources import CPU, GPU, Offer
from tasks.core.errors import as_yaml
from tasks.core.section import Section

WORKER_SHARE = 0.9
"""Of a job's memory, that its workers may take together: Dask ends a worker that takes more, which the run survives,
before the batch system ends the whole job."""

SMALLEST = 100 * 10**6
"""Bytes of memory with which a job could do anything; fewer were meant to be of another unit."""

SHORTEST_WALLTIME = timedelta(minutes=1)

LARGEST_MARGIN = timedelta(minutes=5)
"""Before its walltime ends, a worker takes no more tasks."""

MARGIN_SHARE = 0.25
"""Of a short walltime, that is its margin."""

STAGGER_SHARE = 0.5
"""Of the margin, by which the ends of workers are spread."""

UNITS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}


def _duration(text: object) -> object:
    """Read ``90 min``, ``2h``, ``1-12:00:00``, ``02:30:00``; nothing else."""
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str):  # YAML makes a number of 4:00, in seconds
        raise ValueError(  # noqa: TRY004 - pydantic tells of these
            f"got {text!r}; expected a time with its unit, such as 90 min or 2 h, or '4:00:00' in quotes"
        )
    if match := re.fullmatch(r"(?:(\d+)-)?(\d+):(\d\d)(?::(\d\d))?", text.strip()):
        days, hours, minutes, seconds = (int(number or 0) for number in match.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)", text.strip()):
        return timedelta(seconds=float(match[1]) * UNITS[match[2]])
    raise ValueError(f"got {text!r}; expected a time such as 90 min, 2 h or 1-12:00:00")


Duration = Annotated[timedelta, BeforeValidator(_duration)]


def _size(text: object) -> object:
    """Refuse text that is no size with a unit; leave numbers to the type."""
    if isinstance(text, str) and not re.fullmatch(r"\s*\d+(\.\d+)?\s*[kmgtp]i?b?\s*", text, flags=re.IGNORECASE):
        raise ValueError(f"got {text!r}; expected a size with its unit, such as 64 GB")
    return text


Size = Annotated[ByteSize, BeforeValidator(_size)]

Name = Annotated[str, StringConstraints(pattern=r"^[^\s,=]+$")]
"""Of a resource, as Dask's command line reads it."""


def _ports(text: object) -> object:
    """Refuse what is no range of ports, such as ``40000:40100``."""
    first, _, last = text.partition(":") if isinstance(text, str) else ("", "", "")
    if not (first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) < 2**16):
        raise ValueError(f"got {as_yaml(text)}; expected a range of ports such as 40000:40100")
    return text


Ports = Annotated[str, BeforeValidator(_ports)]


class Pool(Section):
    """Jobs that are all alike; on this machine: worker processes.

    A job runs one worker process per GPU if it has GPUs, else one per core; each has one thread.
    """

    name: str = Field(description="Such as cpu or gpu.", pattern=r"^[A-Za-z][A-Za-z0-9-]*$")
    queue: str | None = Field(default=None, description="Queue or partition; default the site's.")
    cores: int = Field(default=1, description="Of a job.", ge=1)
    memory: Size = Field(description="Of a job, such as 64 GB; its workers together use 90 % of it.")
    memory_per_core: bool = Field(
        default=False, description="Ask for memory by core: some sites refuse --mem and want --mem-per-cpu."
    )
    gpus: int = Field(default=0, description="Of a job.", ge=0)
    core_directive: str | None = Field(
        default=None,
        description="How the site is asked for cores, with {cores} for the number, such as -pe openmp {cores}; empty: "
        "it is not asked; default the batch system's usual way.",
    )
    memory_directive: str | None = Field(
        default=None,
        description="How the site is asked for memory, with {mib} for the MiB of a job and {mib_per_core}, such as "
        "-l h_vmem={mib_per_core}M; empty: it is not asked; default the batch system's usual way.",
    )
    gpu_directive: str | None = Field(
        default=None,
        description="How the site is asked for GPUs, with {gpus} for the number, such as --gpus=a100:{gpus}; default "
        "the batch system's usual way.",
    )
    walltime: Duration = Field(default=timedelta(hours=1), description="Such as 90 min, 2 h or 1-12:00:00.")
    account: str | None = Field(default=None, description="Who pays.")
    qos: str | None = Field(default=None, description="Quality of service.")
    interface: str | None = Field(default=None, description="Network interface of the workers, such as ib0.")
    ports: Ports | None = Field(
        default=None, description="Ports that workers listen on, two each, such as 40000:40100."
    )
    resources: dict[Name, PositiveFloat] = Field(
        default_factory=dict, description="Dask resources of each worker, besides CPU or GPU."
    )
    directives: tuple[str, ...] = Field(default=(), description="Further directives, without their #SBATCH.")
    prologue: tuple[str, ...] = Field(default=(), description="Lines of shell before the workers start: module load …")
    python: str | None = Field(
        default=None,
        description="How the nodes' shell starts Python, such as apptainer exec my.sif python; default the Python that "
        "runs here.",
    )
    scratch: str | None = Field(
        default=None, description="Folder on the node for temporary files, such as $TMPDIR; default the system's."
    )
    minimum: int = Field(default=0, description="Jobs that are kept, whatever there is to do.", ge=0)
    maximum: int = Field(
        default=10,
        description="Jobs at a time, at most; successors of those about to end come on top.",
        ge=1,
    )

    @field_validator("core_directive", "memory_directive", "gpu_directive")
    @classmethod
    def _has_known_fields(cls, directive: str | None) -> str | None:
        try:
            (directive or "").format(cores=1, mib=1, mib_per_core=1, gpus=1)
        except (KeyError, ValueError, IndexError) as error:
            raise ValueError(
                f"got {directive!r}; expected text with {{cores}}, {{mib}}, {{mib_per_core}} or {{gpus}} in it"
            ) from error
        return directive

    @field_validator("walltime")
    @classmethod
    def _is_long_enough(cls, walltime: timedelta) -> timedelta:
        if walltime < SHORTEST_WALLTIME:
            raise ValueError(f"got {walltime.total_seconds():g} s; expected at least a minute")
        return walltime

    @field_validator("memory")
    @classmethod
    def _is_enough(cls, memory: ByteSize) -> ByteSize:
        if memory < SMALLEST:
            raise ValueError(f"got {memory} bytes; expected a job's memory with its unit, such as 64 GB")
        return memory

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum: got {self.minimum}; expected at most the maximum, {self.maximum}")
        if self.ports is not None:
            first, last = map(int, self.ports.split(":"))
            if last - first + 1 < 2 * self.workers:
                raise ValueError(
                    f"ports: got {last - first + 1} of them; expected {2 * self.workers} or more: each of the "
                    f"{self.workers} workers of a job and the process that watches it take one"
                )
        return self

    @property
    def workers(self) -> int:
        """Worker processes of a job."""
        return self.gpus or self.cores

    @property
    def worker_memory(self) -> int:
        """Bytes that each worker may take."""
        return floor(WORKER_SHARE * self.memory / self.workers)

    @property
    def offer(self) -> Offer:
        """Dask resources of each worker."""
        return {**(GPU if self.gpus else CPU), **self.resources}

    @property
    def margin(self) -> timedelta:
        """Time before the end of a job in which its workers begin nothing new."""
        return min(LARGEST_MARGIN, MARGIN_SHARE * self.walltime)

    @property
    def lifetime(self) -> timedelta:
        """How long workers of a job take tasks: stagger included, they are gone before its walltime ends."""
        return self.walltime - self.margin - self.stagger

    @property
    def stagger(self) -> timedelta:
        """By how much the lifetime of each worker is longer or shorter, at random."""
        return STAGGER_SHARE * self.margin
