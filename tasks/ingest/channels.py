"""Which channels the images have, found in the headers of a few of them."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.core.channels import Channels
from tasks.core.errors import ConfigError, InputError, suggestion
from tasks.core.section import check_name
from tasks.ingest.config import ChannelSource, Load
from tasks.ingest.limits import limited
from tasks.ingest.readers import readers
from tasks.ingest.readers.base import Header, catch, check_regular, reason
from tasks.ingest.readers.tiff_per_channel import resolve_text
from tasks.ingest.references import ImageReference

__all__ = ["Channels", "Probe", "resolve_channels"]

PROBED = 25
"""Headers that are opened at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a typical image is like, judged by the headers that were opened and agree in their number of channels.

    Parameters
    ----------
    shape
        Channels in use, and the median numbers of rows and columns.
    dtype
        The most frequent dtype, as numpy names it: ``uint16``.
    bytes_per_image
        Mean bytes of the channels in use, rounded up; of z-stacks those of all planes.
    probed, failed
        Headers opened, and how many of them could not be read.
    """

    shape: tuple[int, int, int]
    dtype: str
    bytes_per_image: int
    probed: int
    failed: int


def resolve_channels(references: Sequence[ImageReference], *, config: Load) -> tuple[Channels, Probe]:
    """Find out which channels the images have, and which of them are used.

    The headers of up to 25 images, evenly spaced in the table, are opened. The number of channels is the one that most
    of them have; of numbers equally frequent, the one of the image that comes first. Names are the configured ones,
    else the files' own (OME-XML, ImageJ's labels; of tiff_per_channel the texts of the group ``channel``), else ``c0``,
    ``c1`` …. Files have names where more than half of those that were opened agree in them, in whatever order.

    Raises
    ------
    ConfigError
        A configured channel is not in the files, or a name in the files cannot be used in column names.
    InputError
        None of the opened images can be read.
    """
    if not references:
        raise InputError("there is no image to look for channels in")
    positions = np.unique(np.linspace(0, len(references) - 1, min(PROBED, len(references))).round().astype(int))
    chosen = [references[position] for position in positions]
    with limited(config.limits):
        tried = [catch(_probe, reference, config=config) for reference in chosen]
    headers = [header for header in tried if isinstance(header, Header)]
    if not headers:
        raise InputError(
            f"none of the {len(tried)} images that were tried can be read; the first, {chosen[0].paths[0]}: "
            + "".join(reason(error) for error in tried[:1] if isinstance(error, Exception))
        )
    # Counter keeps the order of first appearance, and most_common is stable
    ((count, _),) = Counter(header.channels for header in headers).most_common(1)
    agreeing = [header for header in headers if header.channels == count]
    channels = _channels(agreeing, config=config)
    used = len(channels.names)
    height, width = (int(np.median([getattr(header, side) for header in agreeing])) for side in ("height", "width"))
    sizes = [used * header.height * header.width * header.dtype.itemsize for header in agreeing]
    probe = Probe(
        shape=(used, height, width),
        dtype=Counter(header.dtype.name for header in agreeing).most_common(1)[0][0],
        bytes_per_image=math.ceil(sum(sizes) / len(sizes)) * max(reference.depth for reference in chosen),
        probed=len(tried),
        failed=len(tried) - len(headers),
    )
    return channels, probe


def _probe(reference: ImageReference, *, config: Load) -> Header:
    check_regular(reference.paths)
    return readers[reference.reader].probe(reference, pattern=config.pattern)


def _channels(headers: Sequence[Header], *, config: Load) -> Channels:
    first = headers[0]
    names = first.names if first.numbers_are_names else _shared_names(headers)
    by_name = () if first.numbers_are_names else names or ()
    if not config.channels:
        for name in names or ():
            try:
                check_name(name)
            except ValueError as error:
                raise ConfigError(f"load.channels: the files' channels need other names here; {error}") from error
        numbered = tuple(f"c{number}" for number in range(first.channels))
        named = names or numbered
        return Channels(
            names=named, sources=None, count=first.channels, labels=by_name, offsets=_offsets(named, config=config)
        )
    named = tuple(channel.name for channel in config.channels)
    return Channels(
        names=named,
        sources=tuple(_position(channel, header=first, names=names) for channel in config.channels),
        count=first.channels,
        labels=by_name if any(isinstance(channel.source, str) for channel in config.channels) else (),
        offsets=_offsets(named, config=config),
    )


def _offsets(names: Sequence[str], *, config: Load) -> tuple[float, ...]:
    """Return the dark level of each channel; nothing where all are 0."""
    if unknown := [name for name in config.offset.names if name not in names]:
        raise ConfigError(f"load.offset: there is no channel {unknown[0]!r}; {suggestion(unknown[0], names)}")
    offsets = tuple(config.offset.of(name) for name in names)
    return offsets if any(offsets) else ()


def _shared_names(headers: Sequence[Header]) -> tuple[str, ...] | None:
    """Names that more than half of the files give their channels, in the order of the first of these files.

    ImageJ labels slices with whatever they were made of, often the file's own name: then each file has its own.
    """
    sets = Counter(frozenset(header.names) for header in headers if header.names is not None)
    if not sets:
        return None
    ((shared, count),) = sets.most_common(1)
    if 2 * count <= len(headers):
        return None
    return next(header.names for header in headers if header.names is not None and set(header.names) == shared)


def _position(channel: ChannelSource, *, header: Header, names: tuple[str, ...] | None) -> int:
    """Index in the file of a configured channel."""
    source = channel.source
    where = f"load.channels: channel {channel.name!r} has the source {source!r}, but the files"
    if header.numbers_are_names and names is not None:
        return names.index(resolve_text(source, texts=names))
    last = f" to {header.channels - 1}" if header.channels > 1 else ""
    if isinstance(source, int):
        if source < header.channels:
            return source
        what = "only one channel" if header.channels == 1 else f"{header.channels} channels"
        raise ConfigError(f"{where} have {what}; allowed: 0{last}")
    if names is None:
        own = "" if header.names is None else f" alike (the first has {', '.join(header.names)})"
        raise ConfigError(f"{where} do not name their channels{own}; allowed: an index, 0{last}")
    if source not in names:
        raise ConfigError(f"{where} have no such channel; {suggestion(source, names)}")
    return names.index(source)
