"""Partitions, and the folders in `work/` that hold what one task made of one partition."""

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psutil
from pydantic import BaseModel, ConfigDict

RESULT_NAME = re.compile(r"\.?[0-9a-f]{40}(\.[0-9a-f]{32}\.tmp)?")
"""A result's folder, finished or given up half-way."""

DESCRIPTOR_NAME = re.compile(r"[a-z-]+-[0-9a-f]{40}")
"""What Prefect persists of a finished task: its stage and its key."""


class Frozen(BaseModel):
    """A small value that travels between tasks."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Partition(Frozen):
    """Rows ``start:stop`` of the index of images, and the identity of what they hold.

    Parameters
    ----------
    number
        Position in table order.
    index
        Parquet file of image references.
    start, stop
        Rows of the index, half open.
    digest
        Digest of the references' identities and of how they are read.
    """

    number: int
    index: str
    start: int
    stop: int
    digest: str

    @property
    def images(self) -> int:
        """Number of images."""
        return self.stop - self.start


class Made(Frozen):
    """What a task returns: what it counted and what it cost; never the result itself, which lies in its folder.

    Parameters
    ----------
    counts
        What the stage counted: images, cells, rows, faults …
    digest
        Of the pixels that were read, where later stages depend on them: files may change behind an equal size and time.
    seconds
        Wall time.
    peak_bytes
        Peak resident memory of the process that computed it; 0 where the platform does not tell.
    run
        The run that computed it; another run's name means that it was kept.
    """

    counts: dict[str, int]
    digest: str = ""
    seconds: float
    peak_bytes: int
    run: str


PROVISIONAL = "provisional"
"""File that marks a result which lacks images that could not be opened; the next run makes it anew."""


def is_provisional(*folders: str | Path | None) -> bool:
    """Whether any of these results is marked as provisional."""
    return any((Path(folder) / PROVISIONAL).exists() for folder in folders if folder)


@contextmanager
def result_folder(path: Path, *, provisional: bool = False) -> Iterator[Path]:
    """Yield a temporary folder that takes the name `path` when the block ends well, and is removed otherwise.

    Where another process has finished the same result meanwhile, that one stays: equal names mean equal contents.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    temporary.mkdir()
    try:
        yield temporary
        if provisional:
            (temporary / PROVISIONAL).touch()
        for file in temporary.rglob("*"):
            if file.is_file():
                with file.open("rb") as written:
                    os.fsync(written.fileno())
        try:
            temporary.rename(path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def discard_results(work: Path) -> None:
    """Remove finished results: folders named by a digest, and the descriptors of persisted tasks. Nothing else."""
    for path in work.glob("*/*"):
        if path.is_symlink():
            continue
        if path.is_dir() and RESULT_NAME.fullmatch(path.name):
            shutil.rmtree(path)
        elif path.parent.name == "results" and path.is_file() and DESCRIPTOR_NAME.fullmatch(path.name):
            path.unlink()


def discard_unfinished(work: Path) -> None:
    """Remove what tasks of a killed run left half done, and provisional results."""
    for folder in [*work.glob("*/.*.tmp"), *(marker.parent for marker in work.glob(f"*/*/{PROVISIONAL}"))]:
        if folder.is_dir() and not folder.is_symlink() and RESULT_NAME.fullmatch(folder.name):
            shutil.rmtree(folder, ignore_errors=True)


class Stopwatch:
    """Wall time since it was made, and the peak memory of this process."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Elapsed wall time."""
        return time.perf_counter() - self._start

    @property
    def peak_bytes(self) -> int:
        """Peak resident memory of this process."""
        if sys.platform == "win32":
            return int(psutil.Process().memory_info().peak_wset)
        import resource  # noqa: PLC0415 - does not exist on Windows

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return int(peak) * (1 if sys.platform == "darwin" else 1024)
