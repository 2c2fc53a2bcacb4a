"""The database of a local Prefect server: made once for each version of Prefect, and copied for each run."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from functools import partial
from importlib.metadata import version
from pathlib import Path

from tasks.core.user_cache import cache_root, keep


def template_path() -> Path:
    """Return where the empty database is kept."""
    return cache_root() / f"prefect-{version('prefect')}.db"


def prepare_database(path: Path) -> None:
    """Put an empty database where Prefect, in this process, looks for one, unless a server has worked with it before.

    Prefect makes a database by all the changes of its history (8 s of CPU time). The first time it is kept, if the
    cache can be written, and copied from then on.

    Parameters
    ----------
    path
        ``prefect.db`` in PREFECT_HOME.
    """
    complete = path.with_suffix(".complete")
    if complete.exists():  # of a server that died; SQLite's write-ahead log has all that it had answered
        return
    for leftover in path.parent.glob(f"{path.name}*"):  # of one that died before it was ready
        leftover.unlink()
    _put(path)
    complete.touch()


def _put(path: Path) -> None:
    template = template_path()
    try:
        shutil.copyfile(template, path)
    except OSError:  # it is not there yet, or may not be read
        _make()
        keep(template, partial(_copy, path))


def _make() -> None:
    from prefect.server.database import provide_database_interface  # noqa: PLC0415 - takes seconds, in servers only

    asyncio.run(provide_database_interface().create_db())


def _copy(source: Path, target: Path) -> None:
    """Copy with what still stands in the write-ahead log."""
    with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing)
