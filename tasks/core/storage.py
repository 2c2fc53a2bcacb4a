"""Files that are either whole or absent."""

import errno
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl

from tasks.core.storage_errors import storage_errors

TEMPORARY = re.compile(r"\..+\.[0-9a-f]{32}\.tmp(\.\w+)?")
"""Name of a file that `atomic` has not finished."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes the place of `path`, else it is removed.

    Whatever happens to the machine, there is the old file or the new one: the new one and its folder are flushed. The
    temporary name ends in the suffix of `path` so that writers that look at it behave as for `path`.

    Raises
    ------
    StorageError
        The disk is full, read-only or gone.
    """
    temporary = path.with_name(f".{path.stem}.{uuid4().hex}.tmp{path.suffix}")
    try:
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            flush(temporary)
            temporary.replace(path)
            flush(path.parent)
    finally:
        with suppress(OSError):  # of a disk that is gone; the next run removes it
            temporary.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Have a file, or the names in a folder, written to the disk."""
    folder = path.is_dir()
    if folder and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not (folder and error.errno in {errno.EINVAL, errno.ENOTSUP}):  # some network file systems flush files only
            raise
    finally:
        os.close(descriptor)


def flush_all(folder: Path) -> None:
    """Have everything in a folder written to the disk."""
    for path in folder.rglob("*"):
        if path.is_dir() or path.is_file():
            flush(path)
    flush(folder)


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write JSON, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def is_leftover(path: Path) -> bool:
    """Whether a path is a temporary file of `atomic`."""
    return TEMPORARY.fullmatch(path.name) is not None and path.is_file()


def discard_leftovers(paths: Iterable[Path]) -> None:
    """Remove those of the paths that are temporary files of `atomic`, left by a process that was killed."""
    for path in paths:
        if is_leftover(path):
            path.unlink(missing_ok=True)


def read_table(path: Path, *, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a Parquet file, or some of its columns; brackets and stars in its path are meant as they stand."""
    return pl.read_parquet(path, columns=None if columns is None else list(columns), glob=False)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    ValueError
        It is none.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(  # noqa: TRY004 - of a file, not of an argument
            f"{path} holds a {type(content).__name__}, expected an object"
        )
    return content


def holds_key(key: str) -> Callable[[Path], bool]:
    """Make a test for files that are JSON objects with a key."""

    def test(path: Path) -> bool:
        try:
            return key in read_json(path)
        except (OSError, ValueError):
            return False

    return test
