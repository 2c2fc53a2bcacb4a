"""Partitions, and the folders in `work/` that hold what one task made of one partition."""

import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil
from pydantic import BaseModel, ConfigDict

from tasks.core.file_names import CONVICTIONS
from tasks.core.hardware import instruction_set
from tasks.core.storage import flush, flush_all
from tasks.core.storage_errors import storage_errors

RESULT_NAME = re.compile(r"\.?[0-9a-f]{40}(\.[0-9a-f]{32}\.tmp)?")
"""A result's folder, finished or given up half-way."""

RESULTS = "results"
"""Folder in ``work/`` of what Prefect persists."""

DESCRIPTOR_NAME = re.compile(r"[a-z-]+-[0-9a-f]{40}")
"""What Prefect persists of a finished task: its stage and its key."""


WORKER = "SCIP_FLOWS_WORKER"
"""Variable with the name of the worker that this process is; without it goes by its number."""


class Frozen(BaseModel):
    """A small value that travels between tasks."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Excluded(Frozen):
    """An image that no task of a stage touches, since it ended the processes that did.

    Parameters
    ----------
    position
        Row within its partition.
    stage, error, message
        What is told of it in quarantine.parquet.
    """

    position: int
    stage: str
    error: str
    message: str

    @property
    def identity(self) -> tuple[int, str]:
        """What results depend on; the message may tell of the machine."""
        return self.position, self.error


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
    excluded
        Images that are set aside without being touched, in order.
    """

    number: int
    index: str
    start: int
    stop: int
    digest: str
    excluded: tuple[Excluded, ...] = ()

    @property
    def images(self) -> int:
        """Number of images."""
        return self.stop - self.start

    @property
    def identity(self) -> object:
        """What results depend on, wherever the index lies and whatever comes before."""
        return (self.digest, self.excluded) if self.excluded else self.digest

    def excluding(self, images: Iterable[Excluded]) -> "Partition":
        """Return the partition with these images set aside."""
        return self.model_copy(update={"excluded": tuple(sorted(images, key=lambda image: image.position))})


class StageResult(Frozen):
    """What a task returns: where its result lies, what it counted and what it cost; never the result itself.

    Parameters
    ----------
    key
        Digest of all that the result depends on; the name of its folder.
    folder
        Where its files are.
    counts
        What the stage counted: images, cells, rows, faults …
    content
        Digest of the pixels that were read, where later stages depend on them: files may change behind an equal size
        and time.
    started, seconds
        When it began, in seconds since 1970 by its machine's clock, and wall time.
    worker, host
        Which process computed it, and where.
    peak_bytes
        Peak resident memory of the process that computed it; 0 where the platform does not tell.
    hardware
        On what kind of processor, and of GPU where it used one.
    run_id
        The run that computed it; another run's means that it was cached.
    """

    key: str
    folder: str
    counts: dict[str, int]
    content: str = ""
    started: float = 0.0
    seconds: float
    worker: str = ""
    host: str = ""
    peak_bytes: int
    hardware: str = ""
    run_id: str

    @property
    def identity(self) -> tuple[str, str]:
        """What later results depend on: all that went into this one, and the pixels that were read for it."""
        return self.key, self.content

    def file(self, name: str) -> Path:
        """Name one of its files."""
        return Path(self.folder) / name


PROVISIONAL = "provisional"
"""File that marks a result which lacks images that could not be opened; the next run makes it anew."""


def is_provisional(*results: StageResult | None) -> bool:
    """Whether any of these results is marked as provisional."""
    return any(result.file(PROVISIONAL).exists() for result in results if result is not None)


@contextmanager
def result_folder(path: Path, *, provisional: bool = False) -> Iterator[Path]:
    """Yield a temporary folder that takes the name `path` when the block ends well, and is removed otherwise.

    Where another process has finished the same result meanwhile, that one stays: equal names mean equal contents.

    Raises
    ------
    StorageError
        The disk is full, read-only or gone.
    """
    temporary = unfinished(path)
    try:
        with storage_errors(path):
            for folder in (path.parent.parent, path.parent):  # no more: a lost mount must not be written beneath
                folder.mkdir(exist_ok=True)
            temporary.mkdir()
            yield temporary
            if provisional:
                (temporary / PROVISIONAL).touch()
            flush_all(temporary)
            try:
                temporary.rename(path)
            except OSError:
                if not path.is_dir():
                    raise
            flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def unfinished(folder: Path) -> Path:
    """Name a folder beside a result, or beside one that is not finished, which nobody takes for finished."""
    return folder.with_name(f".{folder.name.removeprefix('.').partition('.')[0]}.{uuid4().hex}.tmp")


def discard_results(work: Path) -> None:
    """Remove finished results, the descriptors of persisted tasks, and what was learnt of images. Nothing else."""
    (work / CONVICTIONS).unlink(missing_ok=True)
    for path in work.glob("*/*"):
        if path.is_symlink():
            continue
        if path.is_dir() and RESULT_NAME.fullmatch(path.name):
            discard_result(path)
        elif path.parent.name == RESULTS and path.is_file() and DESCRIPTOR_NAME.fullmatch(path.name):
            path.unlink()


def discard_unfinished(work: Path) -> None:
    """Remove what tasks of a killed run left half done, and provisional results."""
    for path in work.glob("results/*"):
        if DESCRIPTOR_NAME.fullmatch(path.name) and path.is_file() and not path.stat().st_size:
            path.unlink()  # of a disk that was full
    discard_temporary(work)
    _discard(marker.parent for marker in work.glob(f"*/*/{PROVISIONAL}"))


def discard_temporary(work: Path) -> None:
    """Remove what tasks left half done whose workers died."""
    _discard(work.glob("*/.*.tmp"))


def _discard(folders: Iterable[Path]) -> None:
    for folder in list(folders):
        if folder.is_dir() and not folder.is_symlink() and RESULT_NAME.fullmatch(folder.name):
            discard_result(folder)


def discard_result(folder: Path) -> None:
    """Remove a result; half removed it has the name of one that is not finished."""
    removed = unfinished(folder)
    with suppress(OSError):  # another task was faster, or the disk is gone
        folder.rename(removed)
        shutil.rmtree(removed, ignore_errors=True)


class Stopwatch:
    """Wall time since it was made, and the peak memory of this process."""

    def __init__(self) -> None:
        self._started, self._start = time.time(), time.perf_counter()

    def result(
        self, folder: str, *, run_id: str, counts: dict[str, int] | None = None, content: str = "", gpu: str = ""
    ) -> StageResult:
        """Describe what a task has put into its folder; `gpu` names the kind of GPU that it used, if any."""
        return StageResult(
            key=Path(folder).name,
            folder=folder,
            counts=counts or {},
            content=content,
            started=self._started,
            seconds=time.perf_counter() - self._start,
            worker=os.environ.get(WORKER, str(os.getpid())),
            host=socket.gethostname(),
            peak_bytes=peak_bytes(),
            hardware=", ".join([instruction_set(), gpu] if gpu else [instruction_set()]),
            run_id=run_id,
        )


def peak_bytes() -> int:
    """Peak resident memory of this process."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) * (1 if sys.platform == "darwin" else 1024)
