"""The table of images, made from the inputs without reading pixels."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from natsort import natsort_keygen

from tasks.core.errors import ConfigError, Fault, InputError, PixelError
from tasks.core.work import Frozen
from tasks.ingest.config import Load
from tasks.ingest.files import InputSources, find_sources
from tasks.ingest.instruments import with_instrument
from tasks.ingest.matching import EndlessPatternError, search
from tasks.ingest.readers import readers
from tasks.ingest.readers.auto import choose_reader
from tasks.ingest.readers.base import STAGE, Source
from tasks.ingest.references import ImageReference

EXAMPLES = 5
"""Files shown of those that the pattern does not match."""


class LeftOut(Frozen):
    """Files in the inputs that are no images of the run.

    Parameters
    ----------
    no_image
        Number of files that no reader reads, by their name.
    unmatched
        Of those that the pattern does not match.
    unused
        Of those of channels, or of planes of a z-stack, that are not used.
    linked
        Of further names, by symbolic or hard links, of files that are taken already.
    hidden
        Of hidden files and folders.
    results
        Output folders of earlier runs; their files are not counted.
    """

    no_image: int = 0
    unmatched: int = 0
    unused: int = 0
    linked: int = 0
    hidden: int = 0
    results: tuple[str, ...] = ()

    @property
    def by_reason(self) -> dict[str, int]:
        """Say in words what was left out, and how many of it."""
        counts = {
            "files that are no images": self.no_image,
            "files that do not match load.pattern": self.unmatched,
            "files of channels or planes that are not used": self.unused,
            "links to files that are taken already": self.linked,
            "hidden files": self.hidden,
            "output folders of earlier runs, passed over": len(self.results),
        }
        return {reason: count for reason, count in counts.items() if count}


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The images of a run.

    Parameters
    ----------
    references
        Images in table order: natural order of their paths, then index.
    faults
        Images that are known to be unusable before they are read: a field without one of its channels, a store with
        damaged metadata; in table order.
    left_out
        Files left out, by reason.
    unmatched
        Paths of up to five files that the pattern does not match.
    config
        How they are read; with an instrument's pattern, if its names were recognised.
    instrument
        Which one that is; empty where none was recognised.
    """

    references: tuple[ImageReference, ...]
    faults: tuple[Fault, ...]
    left_out: LeftOut
    unmatched: tuple[str, ...]
    config: Load
    instrument: str = ""


def build_index(inputs: Sequence[str | Path], *, config: Load, exclude: Path | None = None) -> Index:
    """List the images in files, folders and glob patterns.

    No image file is opened; of a store its metadata is read. A file that is reached several times, by several inputs or
    by links, counts once: under the first path that is no link, else the first. What lies below the folder `exclude`,
    where results are written, is passed over, and so are the results of earlier runs, unless an input itself lies
    there.

    Raises
    ------
    InputError
        An input does not exist, holds no image, or is a file that the reader does not read; the pattern matches
        nothing; two images have one identity; two files claim one field and channel; no image is usable.
    ConfigError
        A configured channel has no file (tiff_per_channel), or the search for the pattern does not end.
    """
    if not inputs:
        raise InputError("no input was given; name files, folders or glob patterns")
    listings = [find_sources(given, exclude=exclude) for given in inputs]
    config, instrument = with_instrument(config, sources=[source for listing in listings for source in listing.sources])
    by_reader, left_out = _sort_out(listings, config=config)
    sources = [source for group in by_reader.values() for source in group]
    unmatched: list[Source] = []
    if config.pattern is not None:
        by_reader = {name: _match(group, config.pattern, unmatched) for name, group in by_reader.items()}
        if len(unmatched) == len(sources):
            raise InputError(_no_match(sources, pattern=config.pattern))

    refused = [source for group in by_reader.values() for source in group if source.problem]
    by_reader = {name: [source for source in group if not source.problem] for name, group in by_reader.items()}
    wanted = [channel.source for channel in config.channels]
    indexed = [
        readers[name].index(group, pattern=config.pattern, wanted=wanted) for name, group in by_reader.items() if group
    ]
    # what the pattern says goes before what the file tells under the same name
    references = [
        replace(each, measures={name: value for name, value in each.measures.items() if name not in config.groups})
        for part in indexed
        for each in part.references
    ]
    faults = [fault for part in indexed for fault in part.faults]
    faults += [
        Fault.of(PixelError(source.problem), image=source.relative, stage=STAGE, metadata=source.metadata)
        for source in refused
    ]
    natural = lru_cache(maxsize=None)(natsort_keygen())
    references.sort(key=lambda reference: _order(reference, natural))
    faults.sort(key=lambda fault: (natural(fault.image), fault.image))
    _check_unique(references)
    if not references:
        first = f"; the first, {faults[0].image}, {faults[0].message}" if faults else ""
        raise InputError(f"none of the {len(faults)} images in the input is usable{first}")
    return Index(
        references=tuple(references),
        faults=tuple(faults),
        left_out=left_out.model_copy(
            update={"unmatched": len(unmatched), "unused": sum(part.unused for part in indexed)}
        ),
        unmatched=tuple(source.relative for source in unmatched[:EXAMPLES]),
        config=config,
        instrument=instrument,
    )


def _sort_out(listings: Sequence[InputSources], *, config: Load) -> tuple[dict[str, list[Source]], LeftOut]:
    """Find the sources in the inputs, by the reader that suits them, and count the files that none suits."""
    chosen_sources: dict[str, tuple[str, Source]] = {}
    seen: set[str] = set()
    no_image = hidden = 0
    results: dict[str, None] = {}
    for listing in listings:
        chosen = [_reader(source, config=config) for source in listing.sources]
        for source, reader in zip(listing.sources, chosen, strict=True):
            if reader is None and source.named:
                raise InputError(_not_readable(source, config=config))
            if source.path in seen:
                continue
            seen.add(source.path)
            if reader is None:
                no_image += 1
            else:
                chosen_sources[source.path] = reader, source
        if not any(chosen):
            raise InputError(_no_image(listing, config=config))
        hidden += listing.hidden
        results |= dict.fromkeys(listing.results)
    taken = _taken_once([source for _, source in chosen_sources.values()])
    by_reader: dict[str, list[Source]] = {name: [] for name in readers.names}
    for source in taken:
        by_reader[chosen_sources[source.path][0]].append(source)
    linked = len(chosen_sources) - len(taken)
    return by_reader, LeftOut(no_image=no_image, linked=linked, hidden=hidden, results=tuple(results))


def _taken_once(sources: Sequence[Source]) -> list[Source]:
    """Leave out further names of a file: the first that is no link stays, else the first.

    Size and time are compared as well, since some network file systems give one number to several files.
    """
    names: dict[tuple[object, ...], list[Source]] = {}
    for source in sources:
        key = (source.path,) if source.inode is None else (*source.inode, source.size, source.mtime_ns)
        names.setdefault(key, []).append(source)
    return [next((source for source in own if _is_no_link(source, own=own)), own[0]) for own in names.values()]


def _is_no_link(source: Source, *, own: Sequence[Source]) -> bool:
    return len(own) == 1 or os.path.realpath(source.path) == source.path


def _order(reference: ImageReference, natural: Callable[[str], Any]) -> tuple[Any, str, int, int]:
    """Natural order; the plain path decides between names that are equal by it, such as ``1.tif`` and ``01.tif``."""
    scene, index = (-1 if number is None else number for number in (reference.scene, reference.index))
    path = reference.image if scene == index == -1 else reference.relative[0]
    return natural(path), path, scene, index


def _reader(source: Source, *, config: Load) -> str | None:
    if config.reader == "auto":
        return choose_reader(source, pattern=config.pattern)
    return config.reader if readers[config.reader].accepts(source) else None


def _match(sources: Sequence[Source], pattern: str, unmatched: list[Source]) -> list[Source]:
    """Give the sources that the pattern matches their metadata, and append the others to `unmatched`."""
    try:
        matches = search(pattern, [source.relative for source in sources])
    except EndlessPatternError as error:
        raise ConfigError(
            f"load.pattern: got {pattern!r}, of which the search in {str(error)!r} was given up: it does not end. "
            "Repetitions inside of repetitions, such as (\\w+)+, are the usual reason; write \\w+ in their place"
        ) from error
    matched = []
    for source, metadata in zip(sources, matches, strict=True):
        if metadata is None:
            unmatched.append(source)
        else:
            matched.append(replace(source, metadata=metadata))
    return matched


def _check_unique(references: Sequence[ImageReference]) -> None:
    seen: dict[str, ImageReference] = {}
    for reference in references:
        other = seen.setdefault(reference.image, reference)
        if other is not reference:
            raise InputError(
                f"two images would both be called {reference.image!r} in the table: {other.paths[0]} and "
                f"{reference.paths[0]}; give the folder above both as the one input instead"
            )


def _accepted(config: Load) -> str:
    """Say what can be read."""
    names = readers.names if config.reader == "auto" else (config.reader,)
    parts = dict.fromkeys(part for name in names for part in readers[name].accepted.split(", "))
    return f"the reader '{config.reader}' reads {', '.join(parts)}"


def _not_readable(source: Source, *, config: Load) -> str:
    if source.store:
        return (
            f"the store {source.path!r} cannot be read: {_accepted(config)}, where a ragged .zarr is a zarr version 2 "
            "array of stamps of different size"
        )
    what = f"its suffix {source.suffix!r} is none of an image" if source.suffix else "its name has no suffix"
    if "channel" in config.groups and config.reader == "auto":
        return f"the file {source.path!r} cannot be read: with a group 'channel' in load.pattern only TIFF files are"
    return f"the file {source.path!r} cannot be read: {what}; {_accepted(config)}"


def _no_image(listing: InputSources, *, config: Load) -> str:
    if not listing.sources:
        hidden = f", only {listing.hidden} hidden ones" if listing.hidden else ""
        if listing.results:
            return (
                f"the input {listing.given!r} holds nothing but results of an earlier run ({listing.results[0]})"
                f"{hidden}; name the folder of the images"
            )
        return f"the input {listing.given!r} is empty: there is no file in it{hidden}"
    kinds = Counter(_kind(source) for source in listing.sources)
    seen = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common(8))
    return f"the input {listing.given!r} holds no image that can be read; it holds {seen}; {_accepted(config)}"


def _kind(source: Source) -> str:
    if source.store:
        return "other zarr stores"
    return source.suffix or "files without suffix"


def _no_match(sources: Sequence[Source], *, pattern: str) -> str:
    count = f"any of the {len(sources)} files" if len(sources) > 1 else "the only file"
    return (
        f"load.pattern {pattern!r} does not match {count}; it is searched in paths such as "
        f"{sources[0].relative!r}; correct it, or leave it out to use all files"
    )
