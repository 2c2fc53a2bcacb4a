"""A pool: jobs, or processes of this machine, that are all alike."""

import re
from datetime import timedelta
from math import floor
from typing import Annotated, Self

from pydantic import BeforeValidator, ByteSize, Field, PositiveFloat, field_validator, model_validator

from infra.resources import CPU, GPU, Offer
from tasks.core.section import Section

WORKER_SHARE = 0.9
"""Of a job's memory, that its workers may take together: Dask ends a worker that takes more, which the run survives,
before the batch system ends the whole job."""

LARGEST_MARGIN = timedelta(minutes=5)
"""Before its walltime ends, a worker takes no more tasks."""

MARGIN_SHARE = 0.25
"""Of a short walltime, that is its margin."""

STAGGER_SHARE = 0.5
"""Of the margin, by which the ends of workers are spread."""

UNITS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}


def _duration(text: object) -> object:
    """Read ``90 min``, ``2h``, ``1-12:00:00``, ``02:30:00``; leave anything else to the type."""
    if not isinstance(text, str):
        return text
    if match := re.fullmatch(r"(?:(\d+)-)?(\d+):(\d\d)(?::(\d\d))?", text.strip()):
        days, hours, minutes, seconds = (int(number or 0) for number in match.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)", text.strip()):
        return timedelta(seconds=float(match[1]) * UNITS[match[2]])
    raise ValueError(f"got {text!r}; expected a time such as 90 min, 2 h or 1-12:00:00")


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Pool(Section):
    """Jobs that are all alike; on this machine: worker processes.

    A job runs one worker process per GPU if it has GPUs, else one per core; each has one thread.
    """

    name: str = Field(description="Such as cpu or gpu.", pattern=r"^[A-Za-z][A-Za-z0-9-]*$")
    queue: str | None = Field(default=None, description="Queue or partition; default the site's.")
    cores: int = Field(default=1, description="Of a job.", ge=1)
    memory: ByteSize = Field(description="Of a job, such as 64 GB; its workers together use 90 % of it.")
    memory_per_core: bool = Field(
        default=False, description="Ask for memory by core: some sites refuse --mem and want --mem-per-cpu."
    )
    gpus: int = Field(default=0, description="Of a job.", ge=0)
    gpu_directive: str | None = Field(
        default=None,
        description="How the site is asked for GPUs, with {gpus} for the number; default the batch system's own.",
    )
    walltime: Duration = Field(default=timedelta(hours=1), description="Such as 90 min, 2 h or 1-12:00:00.")
    account: str | None = Field(default=None, description="Who pays.")
    qos: str | None = Field(default=None, description="Quality of service.")
    interface: str | None = Field(default=None, description="Network interface of the workers, such as ib0.")
    ports: str | None = Field(
        default=None, description="Ports that workers listen on, such as 40000:40100.", pattern=r"^\d+:\d+$"
    )
    resources: dict[str, PositiveFloat] = Field(
        default_factory=dict, description="Dask resources of each worker, besides CPU or GPU."
    )
    directives: tuple[str, ...] = Field(default=(), description="Further directives, without their #SBATCH.")
    prologue: tuple[str, ...] = Field(default=(), description="Lines of shell before the workers start: module load …")
    python: str | None = Field(default=None, description="Python of the nodes; default the one that runs here.")
    scratch: str | None = Field(
        default=None, description="Folder on the node for temporary files, such as $TMPDIR; default the system's."
    )
    minimum: int = Field(default=0, description="Jobs that are kept, whatever there is to do.", ge=0)
    maximum: int = Field(default=10, description="Jobs at a time, at most.", ge=1)

    @field_validator("memory")
    @classmethod
    def _is_enough(cls, memory: ByteSize) -> ByteSize:
        if memory < 100 * 10**6:
            raise ValueError(f"got {memory} bytes; expected a job's memory with its unit, such as 64 GB")
        return memory

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"got minimum {self.minimum} above maximum {self.maximum}; exchange them")
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
