"""Which subfolders are acquisitions, and whether one is complete."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from tasks.core.work import Frozen


class Sight(Frozen):
    """How a folder looked.

    Parameters
    ----------
    fingerprint
        Digest of the names, sizes and times of its files.
    since
        Seconds since 1970, by this machine's clock, at which it was first seen to look so: times of files are another
        machine's, and those who copy may keep old ones.
    """

    fingerprint: str
    since: float


def acquisitions(folder: Path) -> list[Path]:
    """List subfolders, by name, less hidden ones.

    Raises
    ------
    OSError
        The folder cannot be listed: a share that is not mounted at the moment.
    """
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def has_marker(folder: Path, *, marker: str) -> bool:
    """Whether a file is there that says that a folder is complete.

    Parameters
    ----------
    marker
        Name or glob pattern, within the folder.
    """
    return any(path.is_file() for path in folder.glob(marker))


def look(folder: Path, *, before: Sight | None, now: float) -> Sight | None:
    """Tell how a folder looks, and since when; None while there is no file in it.

    Parameters
    ----------
    before
        How it looked the last time.
    now
        Seconds since 1970.
    """
    entries = sorted(_entries(folder))
    if not entries:
        return None
    fingerprint = hashlib.sha256("\n".join(entries).encode(errors="surrogateescape")).hexdigest()
    if before is not None and before.fingerprint == fingerprint:
        return before
    return Sight(fingerprint=fingerprint, since=now)


def is_quiet(sight: Sight | None, *, quiet: timedelta, now: float) -> bool:
    """Whether nothing changed for so long."""
    return sight is not None and now - sight.since >= quiet.total_seconds()


def _entries(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            with suppress(OSError):  # it was renamed meanwhile: the next look sees it
                status = path.stat()
                yield f"{path.relative_to(folder)}\0{status.st_size}\0{status.st_mtime_ns}"
