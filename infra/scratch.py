"""Temporary files of a run: one folder per process, of which nothing stays, however the process ends."""

import atexit
import hashlib
import os
import re
import shutil
import socket
import stat
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import psutil

PREFIX = "scip-flows-"


@lru_cache
def scratch_folder(temporary: Path | None = None) -> Path:
    """Return this process's folder, which nobody else can read; it is made, and those of dead processes removed.

    It goes when the process ends, or, where that was killed, when the next one starts.

    Parameters
    ----------
    temporary
        Where it lies; default where the system keeps temporary files.
    """
    temporary = temporary or Path(tempfile.gettempdir())
    discard_abandoned(temporary)
    folder = make_folder(temporary)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def make_folder(temporary: Path) -> Path:
    """Make a folder whose name says which process it is of; nobody else can read it."""
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{_machine()}-{os.getpid()}-", dir=temporary))


def folders_beside(folder: Path) -> list[Path]:
    """List the folders of the same process beside one that `make_folder` made, itself included."""
    name = re.fullmatch(rf"({PREFIX}\w+-\d+-)\w+", folder.name)
    return sorted(folder.parent.glob(f"{name[1]}*")) if name else []


def discard_abandoned(temporary: Path) -> None:
    """Remove this user's folders of processes that this machine runs no more; those of other machines stay."""
    for path in temporary.glob(f"{PREFIX}{_machine()}-*"):
        with suppress(OSError):  # another run was faster
            if is_abandoned(path):
                shutil.rmtree(path, ignore_errors=True)


def is_abandoned(path: Path, *, alive: bool | None = None) -> bool:
    """Whether a folder is this user's, and of a process that this machine ran but runs no more.

    Parameters
    ----------
    alive
        Whether that process runs, where something tells better than the folder's time, which a file server may set.

    Raises
    ------
    OSError
        It is gone.
    """
    name = re.fullmatch(rf"{PREFIX}(\w+)-(\d+)-\w+", path.name)
    status = path.lstat()
    own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    here = name is not None and own and name[1] == _machine()
    if name is None or not here:
        return False
    return not (_lives(int(name[2]), since=status.st_mtime) if alive is None else alive)


def _lives(process: int, *, since: float) -> bool:
    """Whether a process runs; a later one of the same number is another."""
    try:
        return psutil.Process(process).create_time() <= since + 1
    except psutil.NoSuchProcess:
        return False


def _machine() -> str:
    """Name what numbers of processes belong to: a host, and within it a container."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = ""
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:6]
