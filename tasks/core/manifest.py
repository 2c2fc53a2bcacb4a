"""The list of published files in run.json, and whether a folder still holds what it lists."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tasks.core.dictionary import is_ours
from tasks.core.file_names import FEATURES_FOLDER, RUN
from tasks.core.storage import read_json
from tasks.core.work import Frozen


class PublishedFile(Frozen):
    """What a published file is known by."""

    sha256: str
    bytes: int


Manifest = dict[str, PublishedFile]
"""The published files, by their paths in the output folder, with forward slashes."""

_manifest: TypeAdapter[Manifest] = TypeAdapter(Manifest)


def list_files(output: Path, paths: Iterable[Path]) -> Manifest:
    """Describe files of the output folder, in order of their paths."""
    return {path.relative_to(output).as_posix(): _describe(path) for path in sorted(set(paths))}


def read_manifest(content: Mapping[str, object]) -> Manifest | None:
    """Find the list in what run.json holds; None where there is none."""
    try:
        return _manifest.validate_python(content.get("files"))
    except ValidationError:
        return None


def check_published(output: Path) -> tuple[str, ...]:
    """Say what of the published files of a run is not as its run.json lists it.

    A new run keeps the list of the last one until it publishes, so that the files can be told to belong together
    whatever becomes of it.

    Returns
    -------
    A line for each file that is missing, was changed, or is a part of the feature table that is not listed, or why
    there is no list; nothing where the published files belong together.

    Examples
    --------
    ``check_published(Path("output"))`` is ``()``, or ``("cells.parquet: missing",)``.
    """
    try:
        content = read_json(output / RUN)
    except (OSError, ValueError) as error:
        return (f"{RUN}: cannot be read: {error}",)
    listed = read_manifest(content)
    if listed is None:
        return (f"{RUN}: lists no published files; its status is {content.get('status')!r}",)
    differ = [f"{name}: {problem}" for name, file in listed.items() if (problem := _differs(output / name, file))]
    parts = (path.relative_to(output).as_posix() for path in sorted((output / FEATURES_FOLDER).glob("part-*.parquet")))
    return (*differ, *(f"{name}: not listed" for name in parts if name not in listed and is_ours(output / name)))


def _describe(path: Path) -> PublishedFile:
    with path.open("rb") as file:
        return PublishedFile(sha256=hashlib.file_digest(file, "sha256").hexdigest(), bytes=path.stat().st_size)


def _differs(path: Path, listed: PublishedFile) -> str:
    """Say in what a file differs from what is listed; nothing where it does not."""
    if not path.is_file():
        return "missing"
    if (size := path.stat().st_size) != listed.bytes:
        return f"{size} bytes, expected {listed.bytes}"
    return "" if _describe(path) == listed else "other bytes than those that were published"
