"""What run.json says of two runs, key by key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from pydantic import TypeAdapter

from tasks.core.errors import ConfigError, as_yaml
from tasks.core.file_names import CELLS, RUN
from tasks.core.manifest import Manifest, read_manifest
from tasks.core.storage import read_json
from tasks.features.names import Names, rename_meta

IDENTITY = ("meta__image", "meta__object")
CHILD = "meta__object_name"
"""Tells cells and their children apart, in the table of cells of a run that has some."""

CIRCUMSTANCES = ("inputs", "limit", "device", "devices", "python", "versions", "hardware")
"""Of run.json, besides the configuration: what may explain that results differ."""

ABSENT = "absent"

_names: TypeAdapter[Names] = TypeAdapter(Names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A key whose values differ, as text."""

    key: str
    first: str
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A run that has published results.

    Parameters
    ----------
    output
        Its folder.
    configuration
        As recorded.
    circumstances
        Versions, inputs, devices.
    manifest
        Its published files.
    names
        How its columns are named.
    """

    output: Path
    configuration: Mapping[str, object]
    circumstances: Mapping[str, object]
    manifest: Manifest
    names: Names

    def files(self, pattern: str) -> list[Path]:
        """List published files of this run, in order; others that lie beside them are left out."""
        return [self.output / name for name in sorted(self.manifest) if Path(name).match(pattern)]

    def keys(self, table: str) -> tuple[str, ...]:
        """Name the columns by which rows of a table are known, in its own spelling."""
        if table == "images":
            return IDENTITY[:1]
        if table == "features":
            return rename_meta(IDENTITY, names=self.names)
        children = CHILD in pq.read_schema(self.output / CELLS).names
        return (*IDENTITY, CHILD) if children else IDENTITY


def read_published(output: Path) -> Published:
    """Read what a run says of itself.

    Raises
    ------
    ConfigError
        The folder holds no published results, or not all of those that run.json lists.
    """
    path = output / RUN
    try:
        content = read_json(path)
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing; give the output folder of a run") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    manifest, configuration = read_manifest(content), content.get("configuration")
    if manifest is None or not isinstance(configuration, dict):
        raise ConfigError(
            f"{output} has no published results; its status is {as_yaml(content.get('status'))}. Run the same command "
            "again, which goes on from there"
        )
    if missing := [name for name in manifest if not (output / name).is_file()]:
        raise ConfigError(f"{output / missing[0]} is missing, which {path} lists ({len(missing)} such files)")
    features = configuration.get("features")
    return Published(
        output=output,
        configuration=configuration,
        circumstances={name: content[name] for name in CIRCUMSTANCES if name in content},
        manifest=manifest,
        names=_names.validate_python(features.get("names", "native") if isinstance(features, dict) else "native"),
    )


def changed(first: object, second: object) -> list[Change]:
    """List what differs between two values of JSON, by path.

    Examples
    --------
    >>> changed({"a": {"b": 1, "c": [2, 3]}}, {"a": {"b": 1, "c": [2, 4]}})
    [Change(key='a.c.1', first='3', second='4')]
    """
    mine, theirs = dict(_leaves(first)), dict(_leaves(second))
    return [
        Change(key=key, first=mine.get(key, ABSENT), second=theirs.get(key, ABSENT))
        for key in {**mine, **theirs}
        if mine.get(key) != theirs.get(key)
    ]


def _leaves(value: object, *, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value that is no mapping and no list; empty ones count as values."""
    if isinstance(value, Mapping) and value:
        items = list(value.items())
    elif isinstance(value, list) and value:
        items = [
            (entry["name"] if isinstance(entry, Mapping) and isinstance(entry.get("name"), str) else number, entry)
            for number, entry in enumerate(value)
        ]
    else:
        yield path, as_yaml(value)
        return
    for key, entry in items:
        yield from _leaves(entry, path=f"{path}.{key}" if path else str(key))
