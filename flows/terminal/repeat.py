"""A run that is repeated: ``--config results/run.json`` takes over what that run was given."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import polars as pl
from pydantic import TypeAdapter, ValidationError

from flows.config import Config, parse_config
from flows.engine.preparation import Preparation
from tasks.core.errors import ConfigError, InputError
from tasks.core.file_names import IMAGES
from tasks.core.manifest import read_manifest
from tasks.core.storage import read_json, read_table

EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """What run.json says that a run was given; its seed is in the configuration.

    Parameters
    ----------
    path
        The file.
    inputs
        Absolute; none where it worked on the generated example.
    limit
        Size of the sample, if it was one.
    versions
        Of Python and packages.
    images
        Its table of images; None where that run has published none, or another one has changed it.
    """

    path: Path
    config: Config
    inputs: tuple[str, ...]
    limit: int | None
    versions: Mapping[str, str]
    images: Path | None

    def notes(self) -> list[str]:
        """Say what is not as it was then, but does not keep the run from being repeated."""
        now = {name: _installed(name) for name in self.versions}
        other = [f"{name} {then}, now {now[name]}" for name, then in self.versions.items() if now[name] != then]
        notes = (
            [f"{self.path} was made with other versions, so that values may differ: {'; '.join(other)}"]
            if other
            else []
        )
        if self.images is None:
            notes.append(
                f"{self.path} has no table of images beside it: whether the inputs are the same is not checked"
            )
        return notes

    def check_inputs(self, preparation: Preparation) -> list[str]:
        """Compare the images with those of that run, without reading pixels; return what should be said of them.

        Raises
        ------
        InputError
            Images are new, missing or of another size.
        """
        if self.images is None:
            return []
        then = read_table(self.images, columns=["meta__image", "bytes", "modified_ns"]).with_columns(then=True)
        both = then.join(_listed(preparation), on="meta__image", how="full", coalesce=True)
        changes = {
            "are new": both.filter(pl.col("then").is_null()),
            "are missing": both.filter(pl.col("now").is_null()),
            "have another size": both.filter(pl.col("bytes") != pl.col("bytes_now")),
        }
        told = [f"{_named(rows['meta__image'])} {what}" for what, rows in changes.items() if len(rows)]
        if told:
            raise InputError(
                f"the inputs are no longer those of {self.path}: {'; '.join(told)}. Put them back, or give INPUT to "
                "run its configuration on the images that are there"
            )
        touched = both.filter(pl.col("modified_ns") != pl.col("modified_now"))["meta__image"]
        if touched.is_empty():
            return []
        note = f"{_named(touched)} changed or copied since {self.path}, with the same size; `python -m flows.compare`"
        return [f"{note} tells afterwards whether their pixels are the same"]


def read_recorded(path: Path) -> RecordedRun | None:
    """Read a run's record; None where the file is a configuration.

    Raises
    ------
    ConfigError
        It is a record, but not a whole one, or of a version whose configuration was another.
    """
    if path.suffix != ".json":
        return None
    try:
        content = read_json(path)
    except (OSError, ValueError):  # told by who reads configurations
        return None
    if "configuration" not in content:
        return None
    config = parse_config(content["configuration"], name=str(path))
    try:
        inputs = _inputs.validate_python(content.get("inputs"))
        limit = _limit.validate_python(content.get("limit"))
        versions = _versions.validate_python(content.get("versions"))
    except ValidationError as error:
        raise ConfigError(f"{path} is not a whole record of a run: inputs, limit or versions are missing") from error
    return RecordedRun(
        path=path,
        config=config,
        inputs=() if content.get("example") else tuple(inputs),
        limit=limit,
        versions={"python": str(content.get("python")), **versions},
        images=_images(path, content),
    )


_inputs: TypeAdapter[list[str]] = TypeAdapter(list[str])
_limit: TypeAdapter[int | None] = TypeAdapter(int | None)
_versions: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


def _images(path: Path, content: Mapping[str, object]) -> Path | None:
    """Find the table of images that belongs to the record."""
    listed = read_manifest(content)
    if listed is None or IMAGES not in listed or content.get("status") != "done":
        return None
    images = path.parent / IMAGES
    return images if images.is_file() and images.stat().st_size == listed[IMAGES].bytes else None


def _listed(preparation: Preparation) -> pl.DataFrame:
    """List the images that are there, with those that cannot be put together, of which no size is known."""
    listing = preparation.listing
    images = listing.index.select(
        pl.col("image").alias("meta__image"),
        pl.col("size").alias("bytes_now"),
        pl.col("mtime_ns").alias("modified_now"),
    )
    faults = listing.faults.select(pl.col("meta__image"))
    return pl.concat([images, faults], how="diagonal").with_columns(now=True)


def _installed(name: str) -> str:
    if name == "python":
        return platform.python_version()
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _named(images: pl.Series) -> str:
    """Name a few of many.

    Examples
    --------
    >>> _named(pl.Series(["a", "b", "c", "d"]))
    '4 images (a, b, c …)'
    """
    more = " …" if len(images) > EXAMPLES else ""
    return f"{len(images):,} image{'s' * (len(images) > 1)} ({', '.join(images.head(EXAMPLES))}{more})"
