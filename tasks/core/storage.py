"""Files that are either whole or absent."""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl

TEMPORARY = re.compile(r"\..+\.[0-9a-f]{32}\.tmp(\.\w+)?")
"""Name of a file that `atomic` has not finished."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes the place of `path`, else it is removed.

    The temporary name ends in the suffix of `path` so that writers that look at it behave as for `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{uuid4().hex}.tmp{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write JSON, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def discard_leftovers(paths: Iterable[Path]) -> None:
    """Remove those of the paths that are temporary files of `atomic`, left by a process that was killed."""
    for path in paths:
        if TEMPORARY.fullmatch(path.name) and path.is_file():
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
