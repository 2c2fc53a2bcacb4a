"""Files that take long to make and are the same for every run: kept in the user's cache, if it can be written."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def cache_root() -> Path:
    """Return this program's folder of the user's cache, which may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "scip-flows"


def keep(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file into the cache, atomically; where it cannot be written, the next run makes it again.

    Parameters
    ----------
    write
        Is given the path that it writes to.
    """
    from tasks.core.storage import atomic  # with what writes tables, which takes long to import
    from tasks.core.storage_errors import StorageError

    with suppress(OSError, StorageError), atomic(path) as temporary:
        write(temporary)
