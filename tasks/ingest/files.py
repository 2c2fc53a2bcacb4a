"""Finding the files that the user's inputs mean."""

import difflib
import glob
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.core.errors import InputError
from tasks.core.file_names import (
    CELLS,
    EXPORTS_FOLDER,
    FEATURES_FOLDER,
    IMAGES,
    LABELS_FOLDER,
    QUARANTINE,
    RUN,
    STATISTICS_FOLDER,
)
from tasks.ingest.readers.base import Source

STORE_FILES = (".zarray", ".zgroup", "zarr.json")
"""Files that make a folder a zarr store."""


RESULTS = frozenset(
    {RUN, IMAGES, CELLS, QUARANTINE, FEATURES_FOLDER, LABELS_FOLDER, STATISTICS_FOLDER, EXPORTS_FOLDER}
    | {"work", "preview.png", "report.html"}
)
"""What a run writes into its output folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSources:
    """What one input means: its files and stores, how many hidden files were passed over, and whose results."""

    given: str
    sources: tuple[Source, ...]
    hidden: int
    results: tuple[str, ...]


def find_sources(given: str | Path, *, exclude: Path | None = None) -> InputSources:
    """Find what an input means: a file, a folder with everything below it, a store, or a glob pattern.

    Their paths are given relative to the parent of the file or folder; of a glob pattern, to the last folder before its
    first wildcard. Links are followed and keep their own names. Hidden files and folders (``.name``) are passed over,
    what lies below the folder `exclude`, and the results of earlier runs, known by their record ``run.json``; unless
    the input itself lies there.

    Raises
    ------
    InputError
        There is no such file or folder, nothing matches the glob pattern, a folder may not be read, or its own name is
        not UTF-8 text. A file below it with such a name has a `problem`.
    """
    path = Path(os.path.abspath(Path(given).expanduser()))  # noqa: PTH100 - resolve() would lose the names of links
    apart = None if exclude is None else Path(os.path.realpath(exclude))
    if apart is not None and Path(os.path.realpath(path)).is_relative_to(apart):
        apart = None
    try:
        if os.path.lexists(path):
            paths, base, named = [path], path.parent, True
            _check_text(path)
        elif glob.has_magic(str(given)):
            base, named = _before_wildcards(path), False
            _check_text(base)
            paths = _outermost(base.glob(str(path.relative_to(base))))
            if not paths:
                raise InputError(f"no file or folder matches the input pattern {str(given)!r}")
        else:
            raise InputError(_no_such_input(str(given), path=path))
        sources = [source for path in paths for source in _find(path, base=base, named=named, above=(), apart=apart)]
    except PermissionError as error:
        raise InputError(f"the input {str(given)!r} holds a folder that may not be read: {error.filename}") from error
    return InputSources(
        given=str(given),
        sources=tuple(source for source in sources if isinstance(source, Source)),
        hidden=sources.count(None),
        results=tuple(readable(str(source)) for source in sources if isinstance(source, Path)),
    )


def _find(
    path: Path, *, base: Path, named: bool, above: tuple[str, ...], apart: Path | None
) -> Iterator[Source | Path | None]:
    """Yield the sources in a path, None for a hidden file, and a folder itself whose results of a run are passed over.

    `above` are the real folders that lead here.
    """
    if apart is not None and path.name == apart.name and os.path.realpath(path) == str(apart):
        return
    if not path.is_dir():
        yield _source(path, base=base, store=False, named=named)
    elif any((path / name).is_file() for name in STORE_FILES):
        yield _source(path, base=base, store=True, named=named)
    else:
        real = os.path.realpath(path)
        if real in above:  # a link back up
            return
        entries = sorted(path.iterdir())
        if any(entry.name == RUN and _is_record(entry) for entry in entries):
            yield path
            entries = [entry for entry in entries if entry.name not in RESULTS]
        for entry in entries:
            if entry.name.startswith("."):
                yield None
            else:
                yield from _find(entry, base=base, named=False, above=(*above, real), apart=apart)


def _is_record(path: Path) -> bool:
    """Whether a file is what a run of this program tells of itself."""
    try:
        record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and {"run", "configuration", "digest", "versions"} <= record.keys()


def _source(path: Path, *, base: Path, store: bool, named: bool) -> Source:
    inode = None
    try:
        stat = path.stat()
        size, mtime_ns = stat.st_size, stat.st_mtime_ns
        if stat.st_ino:
            inode = stat.st_dev, stat.st_ino
    except OSError:  # a dangling link: an image that cannot be read, to be told of when it is read
        size, mtime_ns = 0, 0
    relative = path.relative_to(base).as_posix()
    text = readable(relative)
    return Source(
        path=str(path),
        relative=text,
        size=size,
        mtime_ns=mtime_ns,
        store=store,
        named=named,
        inode=inode,
        problem="" if text == relative else f"its name {os.fsencode(relative)!r} is not UTF-8 text; rename it",
    )


def readable(path: str) -> str:
    r"""Write a path as text; bytes of it that are not UTF-8 as \xff.

    Examples
    --------
    >>> import os
    >>> readable(os.fsdecode(b"run/\xe9.tif"))
    'run/\\xe9.tif'
    """
    return os.fsencode(path).decode(errors="backslashreplace")


def _check_text(path: Path) -> None:
    """Refuse an input whose own path is not text, which the paths of all images would begin with."""
    if readable(str(path)) != str(path):
        raise InputError(f"the name of the input {os.fsencode(path)!r} is not UTF-8 text; rename it")


def _before_wildcards(path: Path) -> Path:
    """Return the part of a glob pattern before its first wildcard."""
    fixed = Path(path.anchor)
    for part in path.parts[1:]:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed


def _outermost(matches: Iterator[Path]) -> list[Path]:
    """Drop matches that lie in a folder that matches as well, and hidden ones."""
    outermost: set[Path] = set()
    for path in sorted(matches):
        if not path.name.startswith(".") and outermost.isdisjoint(path.parents):
            outermost.add(path)
    return sorted(outermost)


def _no_such_input(given: str, *, path: Path) -> str:
    existing = next(parent for parent in path.parents if parent.is_dir())
    missing = path.relative_to(existing).parts[0]
    siblings = sorted(entry.name for entry in existing.iterdir()) if os.access(existing, os.R_OK) else []
    near = difflib.get_close_matches(missing, siblings, n=1, cutoff=0.6)
    hint = f"; did you mean {str(existing / near[0])!r}?" if near else ""
    return f"there is no file or folder {given!r}: {str(existing)!r} exists, but holds no {missing!r}{hint}"
