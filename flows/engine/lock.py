"""One run at a time in an output folder."""

import errno
import getpass
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import psutil
from filelock import FileLock, Timeout
from pydantic import ValidationError

from infra.processes import ProcessIdentity
from tasks.core.errors import InputError
from tasks.core.file_names import RUN
from tasks.core.storage import read_json, write_json
from tasks.core.storage_errors import storage_error

LOCK = "lock"
HOLDER = "lock.json"
"""Files of the folder ``work``: the lock, and who holds it."""

REFUSED = frozenset((errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP))
"""A file system without locks."""

LOCAL = frozenset(("nolock", "local_lock=all", "local_lock=flock", "localflock", "nobrl"))
"""Options of mounts whose locks other machines do not see."""


class Holder(ProcessIdentity):
    """The process whose run writes into an output folder.

    Parameters
    ----------
    user, since
        Who took the folder, and when.
    """

    user: str
    since: str

    @classmethod
    def now(cls) -> Self:
        """Describe this process."""
        return cls.here(user=_user(), since=datetime.now(UTC).isoformat(timespec="seconds"))

    @classmethod
    def read(cls, path: Path) -> "Holder | None":
        """Read who holds a folder; None where nobody says so."""
        try:
            return cls.model_validate(read_json(path))
        except (OSError, ValueError, ValidationError):
            return None

    def blocks(self, *, locks: str) -> bool:
        """Whether it keeps others out although its lock is free.

        Parameters
        ----------
        locks
            Who sees the locks of that file system: ``everybody``, ``this machine`` or ``nobody``.
        """
        if self.is_here:
            return locks == "nobody" and self.is_alive
        return locks != "everybody"


@contextmanager
def only_run_in(output: Path) -> Iterator[None]:
    """Keep other runs out of an output folder; the lock falls when this process ends, however it ends.

    A file beside the lock says who holds it. It decides where locks do not: on file systems without them, and, between
    machines, on network mounts whose locks stay on one machine.

    Raises
    ------
    InputError
        Another run holds it.
    StorageError
        The folder became full, read-only, or is gone.
    """
    work = output / "work"
    try:
        work.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            locks = _mount_locks(work)
            try:
                stack.enter_context(FileLock(work / LOCK, timeout=0, fallback_to_soft=False))
            except Timeout as error:
                raise _held(output, holder=Holder.read(work / HOLDER)) from error
            except OSError as error:
                if error.errno not in REFUSED:
                    raise
                locks = "nobody"
            holder = Holder.read(work / HOLDER)
            if holder is not None and holder.blocks(locks=locks):
                raise _held(output, holder=holder, free=True)
            write_json(work / HOLDER, Holder.now().model_dump())
            stack.callback(_let_go, work / HOLDER)
            yield
    except OSError as error:
        explained = _of(error, output=output)
        if explained is None:
            raise
        raise explained from error


def _of(error: OSError, *, output: Path) -> Exception | None:
    """Explain an error about a file of the output folder."""
    path = Path(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes)) else None
    return None if path is None or not path.is_relative_to(output) else storage_error(error, path=path)


def _let_go(path: Path) -> None:
    with suppress(OSError):  # of a disk that is gone: the lock is free
        path.unlink()


def _held(output: Path, *, holder: Holder | None, free: bool = False) -> InputError:
    """Say who holds a folder; `free`: whether the lock does not tell that it is still so."""
    who = "" if holder is None else _who(holder, run=_run_of(holder, output=output))
    remedy = f"; if that run is gone, remove {output / 'work' / HOLDER}" if free else ""
    return InputError(
        f"another run is writing into {output}{who}; wait until it ends, or choose another --output{remedy}"
    )


def _who(holder: Holder, *, run: str | None) -> str:
    name = "" if run is None else f"run {run} of "
    return f": {name}{holder.user} on {holder.host}, process {holder.process}, since {holder.since}"


def _run_of(holder: Holder, *, output: Path) -> str | None:
    """Name of the run of that process, which run.json tells soon after it took the folder."""
    with suppress(OSError, ValueError):
        content = read_json(output / RUN)
        if (content.get("host"), content.get("process")) == (holder.host, holder.process):
            return str(content.get("run"))
    return None


def _mount_locks(folder: Path) -> str:
    """Who sees the locks of a folder's file system, as far as its mount's options tell."""
    places = [mount for mount in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(mount.mountpoint)]
    options = max(places, key=lambda mount: len(mount.mountpoint)).opts.split(",") if places else []
    return "this machine" if LOCAL.intersection(options) else "everybody"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid()) if hasattr(os, "getuid") else "somebody"
