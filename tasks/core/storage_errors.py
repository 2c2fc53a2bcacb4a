"""A disk that is full, read-only or gone: what happened, where, and what to do; the one place that says so."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import polars as pl

from tasks.core.errors import RunError

NUMBER = re.compile(r"\b(?:os error|errno) (\d+)", re.IGNORECASE)
"""How libraries that write by themselves tell the number of an error."""

PASSING = frozenset(
    (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOTCONN, errno.ECONNRESET)
)
"""A network file system that may answer again."""

REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space"),
    errno.EDQUOT: ("your quota of this disk is used up", "free some space"),
    errno.EROFS: ("the file system is read-only", "make it writable"),
    errno.EACCES: ("you may not write there", "give yourself the right to"),
    errno.EPERM: ("you may not write there", "give yourself the right to"),
    **dict.fromkeys((*PASSING, errno.ENODEV, errno.ENXIO), ("the disk does not answer", "bring it back")),
    errno.ENOENT: ("its folder is gone, or the disk or network mount on which it lies", "bring it back"),
}

PROBE_BYTES = 2**16
"""Written to learn why something could not be written."""


class StorageError(RunError):
    """A file of the output folder cannot be written or reached.

    Parameters
    ----------
    passing
        Whether it may work in a while; a full disk stays full.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Raise what the disk is to blame for as a `StorageError` that names `path`; all other errors as they are."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        explained = storage_error(error, path=path) or _by_writing(error, path=path)
        if explained is None:
            raise
        raise explained from error


def storage_error(error: BaseException, *, path: Path) -> StorageError | None:
    """Explain an error that came up as `path` was written, or something beside it read.

    Returns
    -------
    None where the disk is not to blame: a missing file, say, in a folder that is there.
    """
    if not isinstance(error, (OSError, pl.exceptions.PolarsError)):
        return None
    number = _number(error)
    if number not in REASONS or (number == errno.ENOENT and path.parent.is_dir()) or _is_elsewhere(error, path=path):
        return None
    return _explained(number, path=path)


def _is_elsewhere(error: BaseException, *, path: Path) -> bool:
    """Whether the error names files, none of which lies beside `path`, below it, or on the way to it: an input, say."""
    named = [error.filename, error.filename2] if isinstance(error, OSError) else []
    places = [Path(name) for name in named if isinstance(name, str)]
    near = (place.is_relative_to(path.parent) or path.is_relative_to(place) for place in places)
    return bool(places) and not any(near)


def check_reachable(path: Path) -> None:
    """Refuse to go on where a path that has to be there is not: under a lost mount folders would be made anew.

    Raises
    ------
    StorageError
        Naming it.
    """
    try:
        path.stat()
    except OSError as error:
        raise _explained(errno.ENOENT if error.errno not in REASONS else error.errno, path=path) from error


def _explained(number: int, *, path: Path) -> StorageError:
    what, remedy = REASONS[number]
    return StorageError(
        f"{path} cannot be written: {what} ({os.strerror(number)}); {remedy}, and run the same command again: "
        "what is finished is kept",
        passing=number in PASSING,
    )


def _number(error: OSError | pl.exceptions.PolarsError) -> int | None:
    """Find the number of an error, where the library that raised it tells."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    return int(named[1]) if (named := NUMBER.search(str(error))) else None


def _by_writing(error: OSError | pl.exceptions.PolarsError, *, path: Path) -> StorageError | None:
    """Explain an error without a number by an attempt to write beside `path`."""
    if _number(error) is not None:
        return None
    probe = path.with_name(f".probe.{uuid4().hex}.tmp")
    try:
        with probe.open("wb") as file:
            file.write(b"\0" * PROBE_BYTES)
            file.flush()
            os.fsync(file.fileno())
    except OSError as reason:
        return storage_error(reason, path=path)
    finally:
        with suppress(OSError):
            probe.unlink()
    return None
