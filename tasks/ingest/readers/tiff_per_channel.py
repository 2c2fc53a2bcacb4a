"""Reader ``tiff_per_channel``: a field is several TIFF files, one per channel, put together by the pattern."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from natsort import natsorted

from tasks.core.errors import ConfigError, Fault, InputError, PixelError, suggestion
from tasks.core.types import AnyArray
from tasks.ingest.readers.base import (
    CHANNEL_GROUP,
    STAGE,
    TIFF_SUFFIXES,
    Header,
    Indexed,
    Source,
    attempt,
    register,
    require_channels,
    require_one_shape,
)
from tasks.ingest.readers.tiff import TiffPlanes, open_tiff
from tasks.ingest.references import ImageReference


@dataclass(frozen=True)
class TiffPerChannelReader:
    """Files whose name tells the field and the channel.

    The pattern's group ``channel`` is the text that names the channel, its other groups together identify the field. A
    field's files stand in the natural order of their channels' texts.
    """

    name: str = "tiff_per_channel"
    accepted: str = ", ".join(TIFF_SUFFIXES)

    def accepts(self, source: Source) -> bool:
        """Whether the suffix is a TIFF's."""
        return not source.store and source.suffix in TIFF_SUFFIXES

    def suits(self, source: Source, *, by_channel: bool) -> bool:
        """Whether it is a TIFF and the pattern tells channels apart."""
        return by_channel and self.accepts(source)

    def index(self, sources: Sequence[Source], *, pattern: str | None, wanted: Sequence[int | str]) -> Indexed:
        """Put the files of each field together.

        A field lacks a channel if it has no file for one that is configured or, where none is configured, that any
        other field has; it is set aside. Files of channels that are not configured are left out.

        Raises
        ------
        InputError
            Two files claim one field and channel.
        ConfigError
            A configured channel has no file at all.
        """
        if pattern is None:
            raise ValueError("files of one channel each can only be put together by a pattern")
        fields: dict[tuple[tuple[str, str], ...], dict[str, Source]] = {}
        ignored = 0
        for source in sources:
            text = source.metadata.get(CHANNEL_GROUP)
            if not text:
                ignored += 1
                continue
            files = fields.setdefault(_field(source.metadata), {})
            if text in files:
                raise InputError(_two_files(files[text], source, channel=text))
            files[text] = source
        texts = natsorted({text for files in fields.values() for text in files})
        needed = texts if not wanted else natsorted({resolve_text(entry, texts=texts) for entry in wanted})

        references, faults = [], []
        for key, files in fields.items():
            present = [text for text in needed if text in files]
            ignored += len(files) - len(present)
            missing = [text for text in needed if text not in files]
            name = _star((files[present[0]] if present else next(iter(files.values()))).relative, pattern=pattern)
            if missing:
                error = PixelError(
                    f"has no file for channel {', '.join(map(repr, missing))} (it has {', '.join(natsorted(files))}); "
                    "restore it, or list under load.channels only the channels that all fields have"
                )
                faults.append(Fault.of(error, image=name, stage=STAGE))
                continue
            chosen = [files[text] for text in needed]
            references.append(
                ImageReference(
                    image=name,
                    reader=self.name,
                    paths=tuple(source.path for source in chosen),
                    relative=tuple(source.relative for source in chosen),
                    metadata=dict(key),
                    sizes=tuple(source.size for source in chosen),
                    mtimes_ns=tuple(source.mtime_ns for source in chosen),
                )
            )
        return Indexed(references=references, faults=faults, ignored=ignored)

    def probe(self, reference: ImageReference, *, pattern: str | None) -> Header:
        """Read the tags of each file."""
        if pattern is None:
            raise ValueError("files of one channel each can only be put together by a pattern")
        matches = [re.search(pattern, relative) for relative in reference.relative]
        names = tuple(match[CHANNEL_GROUP] for match in matches if match is not None)
        shapes, dtypes = [], []
        for path in reference.paths:
            with open_tiff(path) as planes:
                _require_one(planes, path=path)
                shapes.append(planes.shape)
                dtypes.append(planes.dtype)
        height, width = require_one_shape(shapes, names=_file_names(reference))
        return Header(
            channels=len(names),
            height=height,
            width=width,
            dtype=np.result_type(*dtypes),
            names=names,
            numbers_are_names=True,
        )

    def load(
        self, references: Sequence[ImageReference], *, count: int, sources: Sequence[int] | None
    ) -> list[AnyArray | Exception]:
        """Read field by field, only the files of wanted channels."""

        def read(reference: ImageReference) -> AnyArray:
            require_channels(len(reference.paths), expected=count)
            chosen = range(count) if sources is None else sources
            planes = []
            for position in chosen:
                with open_tiff(reference.paths[position]) as file:
                    _require_one(file, path=reference.paths[position])
                    planes.append(file.read(None)[0])
            names = _file_names(reference)
            require_one_shape([plane.shape for plane in planes], names=[names[position] for position in chosen])
            return np.stack(planes)

        return [attempt(read, reference) for reference in references]


def resolve_text(wanted: int | str, *, texts: Sequence[str]) -> str:
    """Return the channel's text that a configured source means; the number 1 also means ``01``.

    Raises
    ------
    ConfigError
        No file has such a channel.
    """
    if str(wanted) in texts:
        return str(wanted)
    same = [text for text in texts if isinstance(wanted, int) and text.isdecimal() and int(text) == wanted]
    if len(same) == 1:
        return same[0]
    raise ConfigError(
        f"load.channels: got the source {wanted!r}, but no file has it as the pattern's group 'channel'; "
        f"{suggestion(str(wanted), texts)}"
    )


def _field(metadata: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return what the groups other than the channel's matched."""
    return tuple((group, text) for group, text in metadata.items() if group != CHANNEL_GROUP)


def _star(relative: str, *, pattern: str) -> str:
    """Path of a file with ``*`` in place of its channel's text."""
    match = re.search(pattern, relative)
    if match is None:
        raise ValueError(f"{relative!r} does not match {pattern!r}")
    start, stop = match.span(CHANNEL_GROUP)
    return f"{relative[:start]}*{relative[stop:]}"


def _two_files(first: Source, second: Source, *, channel: str) -> str:
    groups = ", ".join(f"{group} {text!r}" for group, text in _field(first.metadata))
    return (
        f"two files for channel {channel!r} of one field ({groups or 'the pattern has no other group'}): "
        f"{first.path} and {second.path}; give load.pattern a further named group for what tells the fields apart, or "
        "make it match only one of the two"
    )


def _file_names(reference: ImageReference) -> list[str]:
    return [relative.rsplit("/", 1)[-1] for relative in reference.relative]


def _require_one(planes: TiffPlanes, *, path: str) -> None:
    if sum(planes.samples) != 1:
        raise PixelError(f"{Path(path).name} holds {sum(planes.samples)} planes, expected the one of its channel")


register(TiffPerChannelReader())
