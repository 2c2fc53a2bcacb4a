"""The scaling of another run: found, read, and checked against the images to be scaled."""

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from tasks.core.decision import group_values
from tasks.core.errors import ConfigError, suggestion
from tasks.core.published import find_published
from tasks.normalize.config import Use
from tasks.normalize.scaling import Scaling, abbreviated

SCALING = "normalization.json"
"""File in statistics/ that holds the scaling of a run."""


def find_file(path: str | Path) -> Path:
    """Find the file that a path means: itself, in it, or in the folder statistics/ in it.

    Raises
    ------
    ConfigError
        It is not there.
    """
    published = find_published(path, name=SCALING)
    if published is None:
        folder = Path(path).expanduser().is_dir()
        what = f"in which there is neither {SCALING} nor statistics/{SCALING}" if folder else "which is not there"
        raise ConfigError(
            f"normalize.use: got {str(path)!r}, {what}; expected {SCALING} of a run that had a section normalize, or "
            "its output folder"
        )
    return published


def read_scaling(path: str | Path) -> Scaling:
    """Read the scaling of another run.

    Parameters
    ----------
    path
        normalization.json, the folder statistics/ that holds it, or the output folder that holds that.

    Raises
    ------
    ConfigError
        It is not there, cannot be read, or is not such a file.
    """
    file = find_file(path)
    try:
        return Scaling.model_validate_json(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"normalize.use: {file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        what = "is not JSON" if first["type"] == "json_invalid" else "is not the scaling of a run"
        where = ".".join(map(str, first["loc"]))
        reason = ": ".join(part for part in (where, first["msg"].removeprefix("Value error, ")) if part)
        raise ConfigError(
            f"normalize.use: {file} {what} ({reason}); expected {SCALING} as a run with a section normalize writes it"
        ) from error


def find_scaling(
    config: Use,
    *,
    channels: Sequence[str],
    groups: Sequence[str],
    present_groups: Callable[[Sequence[str]], set[tuple[str, ...]]],
) -> Scaling:
    """Find another run's scaling, of this one's channels.

    Parameters
    ----------
    channels
        Channels of the images.
    groups
        Metadata that the images have.
    present_groups
        Tells the groups that the images form by some metadata.

    Raises
    ------
    ConfigError
        There is none, or it lacks a channel or a group.
    """
    scaling = read_scaling(config.use)
    names = tuple(name for name in scaling.group_by if name in groups)
    images = pl.DataFrame(sorted(present_groups(names)), schema=[f"meta__{name}" for name in names], orient="row")
    check_fits(scaling, channels=channels, images=images)
    return scaling.narrowed(channels)


def check_fits(scaling: Scaling, *, channels: Sequence[str], images: pl.DataFrame) -> None:
    """Refuse a scaling that lacks a channel or a group of the images.

    Channels and groups that only the scaling has do no harm.

    Parameters
    ----------
    channels
        Channels of the images.
    images
        A row per image; its columns ``meta__<group>`` tell which groups there are.

    Raises
    ------
    ConfigError
        A line for each kind of thing that is missing.
    """
    problems = [
        f"normalize.use: has no scaling of channel {name!r}; {suggestion(name, scaling.channels)}"
        for name in channels
        if name not in scaling.channels
    ]
    columns = [f"meta__{name}" for name in scaling.group_by]
    names = [name.removeprefix("meta__") for name in images.columns if name.startswith("meta__")]
    unnamed = [name for name in scaling.group_by if name not in names]
    if unnamed:
        problems.append(
            f"normalize.use: was found for each {', '.join(scaling.group_by)}, but the images have no "
            f"{', '.join(unnamed)}; add the named group to load.pattern"
        )
    else:
        table = images.select(columns).unique() if columns else images[:1]
        missing = set(group_values(table, scaling.group_by)) - set(scaling.known)
        if missing:
            number = f"{len(missing)} of the groups" if len(missing) > 1 else "a group"
            problems.append(
                f"normalize.use: lacks {number} of the images by {', '.join(scaling.group_by) or 'nothing'}: "
                f"{abbreviated(missing)}; it has {abbreviated(scaling.known)}. Leave these images out, or scale with "
                "a method of your own"
            )
    if problems:
        raise ConfigError("\n".join(problems))
