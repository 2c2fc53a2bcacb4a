"""Reader ``tiff_per_channel``: a field is several TIFF files, put together by the pattern.

There is one per channel; of z-stacks one per channel and plane.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from natsort import natsorted

from tasks.core.channels import Channels
from tasks.core.errors import ConfigError, Fault, InputError, PixelError, suggestion
from tasks.core.types import AnyArray
from tasks.ingest.readers.base import (
    CHANNEL_GROUP,
    STAGE,
    TIFF_SUFFIXES,
    Z_GROUP,
    FileReader,
    Header,
    ReaderListing,
    Source,
    positions,
    register,
    require_one_shape,
)
from tasks.ingest.readers.tiff import TiffPlanes, open_tiff
from tasks.ingest.references import ImageReference


@dataclass(frozen=True)
class TiffPerChannelReader(FileReader):
    """Files whose name tells the field, the channel, and the plane of a z-stack.

    The pattern's group ``channel`` is the text that names the channel, the group ``z`` the one that names the plane;
    its other groups together identify the field. A field's files are in the natural order of their channels' texts,
    and within a channel in that of their planes'. A file of which the group ``z`` matched nothing, such as a projection
    beside the planes, is left out where other files have planes.
    """

    name: str = "tiff_per_channel"
    accepted: str = ", ".join(TIFF_SUFFIXES)

    def accepts(self, source: Source) -> bool:
        """Whether the suffix is a TIFF's."""
        return not source.store and source.suffix in TIFF_SUFFIXES

    def suits(self, source: Source, *, by_channel: bool) -> bool:
        """Whether it is a TIFF and the pattern tells channels apart."""
        return by_channel and self.accepts(source)

    def index(self, sources: Sequence[Source], *, pattern: str | None, wanted: Sequence[int | str]) -> ReaderListing:
        """Put the files of each field together.

        A field lacks a file if it has none for a channel that is configured or, where none is configured, that any
        other field has, or for a plane that any other such stack has; it is set aside. Files of channels that are not
        configured are left out.

        Raises
        ------
        InputError
            Two files claim one field, channel and plane.
        ConfigError
            A configured channel has no file at all.
        """
        if pattern is None:
            raise ValueError("files of one channel each can only be put together by a pattern")
        fields: dict[tuple[tuple[str, str], ...], dict[tuple[str, str], Source]] = {}
        unused = 0
        for source in sources:
            text, z = source.metadata.get(CHANNEL_GROUP), source.metadata.get(Z_GROUP, "")
            if not text:
                unused += 1
                continue
            files = fields.setdefault(_field(source.metadata), {})
            if (text, z) in files:
                raise InputError(_two_files(files[text, z], source, channel=text, z=z))
            files[text, z] = source
        texts = natsorted({text for files in fields.values() for text, _ in files})
        needed = texts if not wanted else natsorted({resolve_text(entry, texts=texts) for entry in wanted})
        z_texts = natsorted({z for files in fields.values() for text, z in files if z and text in needed}) or [""]
        required = [(text, z) for text in needed for z in z_texts]

        references, faults = [], []
        for field, files in fields.items():
            chosen = [files[key] for key in required if key in files]
            unused += len(files) - len(chosen)
            name = _star((chosen or list(files.values()))[0].relative, pattern=pattern)
            if len(chosen) < len(required):
                error = PixelError(_lacking(files, required=required))
                faults.append(Fault.of(error, image=name, stage=STAGE, metadata=dict(field)))
                continue
            references.append(
                ImageReference(
                    image=name,
                    reader=self.name,
                    paths=tuple(source.path for source in chosen),
                    relative=tuple(source.relative for source in chosen),
                    depth=len(z_texts),
                    metadata=dict(field),
                    sizes=tuple(source.size for source in chosen),
                    mtimes_ns=tuple(source.mtime_ns for source in chosen),
                )
            )
        return ReaderListing(references=references, faults=faults, unused=unused)

    def probe(self, reference: ImageReference, *, pattern: str | None) -> Header:
        """Read the tags of each channel's first file."""
        if pattern is None:
            raise ValueError("files of one channel each can only be put together by a pattern")
        matches = [re.search(pattern, relative) for relative in reference.relative[:: reference.depth]]
        names = tuple(match[CHANNEL_GROUP] for match in matches if match is not None)
        shapes, dtypes = [], []
        for path in reference.paths[:: reference.depth]:
            with open_tiff(path) as tiff:
                _require_one(tiff, path=path)
                shapes.append(tiff.shape)
                dtypes.append(tiff.dtype)
        height, width = require_one_shape(shapes, names=_file_names(reference, z=0))
        return Header(
            channels=len(names),
            height=height,
            width=width,
            dtype=np.result_type(*dtypes),
            names=names,
            numbers_are_names=True,
        )

    def read(self, reference: ImageReference, *, channels: Channels, z: int) -> AnyArray:
        """Read only the files of wanted channels."""
        paths = reference.paths[z :: reference.depth]
        chosen = positions(channels, count=len(paths)) or range(len(paths))
        channel_images = []
        for position in chosen:
            with open_tiff(paths[position]) as file:
                _require_one(file, path=paths[position])
                channel_images.append(file.read(None)[0])
        names = _file_names(reference, z=z)
        require_one_shape([image.shape for image in channel_images], names=[names[position] for position in chosen])
        return np.stack(channel_images)


def resolve_text(wanted: int | str, *, texts: Sequence[str]) -> str:
    """Return the channel's text that a configured source means; the number 1 also means ``01``.

    Raises
    ------
    ConfigError
        No file has such a channel.
    """
    if str(wanted) in texts:
        return str(wanted)
    matching = [text for text in texts if isinstance(wanted, int) and text.isdecimal() and int(text) == wanted]
    if len(matching) == 1:
        return matching[0]
    raise ConfigError(
        f"load.channels: got the source {wanted!r}, but no file has it as the pattern's group 'channel'; "
        f"{suggestion(str(wanted), texts)}"
    )


def _field(metadata: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return what the groups other than those of channel and plane matched."""
    return tuple((group, text) for group, text in metadata.items() if group not in {CHANNEL_GROUP, Z_GROUP})


def _star(relative: str, *, pattern: str) -> str:
    """Path of a file with ``*`` in place of its channel's and its plane's text."""
    match = re.search(pattern, relative)
    if match is None:
        raise ValueError(f"{relative!r} does not match {pattern!r}")
    spans = [match.span(group) for group in (CHANNEL_GROUP, Z_GROUP) if group in match.groupdict()]
    for start, stop in sorted(spans, reverse=True):
        if start >= 0:
            relative = f"{relative[:start]}*{relative[stop:]}"
    return relative


def _lacking(files: Mapping[tuple[str, str], Source], *, required: Sequence[tuple[str, str]]) -> str:
    """Say which of its files a field lacks."""
    present = natsorted({text for text, _ in files})
    if missing := list(dict.fromkeys(text for text, _ in required if text not in present)):
        return (
            f"has no file for channel {', '.join(map(repr, missing))} (it has {', '.join(present)}); "
            "restore it, or list under load.channels only the channels that all fields have"
        )
    missing = list(dict.fromkeys(text for text, z in required if (text, z) not in files))
    gaps = ", ".join(
        f"z {', '.join(repr(z) for text, z in required if text == channel and (text, z) not in files)} "
        f"of channel {channel!r}"
        for channel in missing
    )
    return (
        f"has no file for {gaps}; restore it, or list under load.channels only the channels of which all fields have "
        "all planes"
    )


def _two_files(first: Source, second: Source, *, channel: str, z: str) -> str:
    groups = ", ".join(f"{group} {text!r}" for group, text in _field(first.metadata))
    return (
        f"two files for channel {channel!r}{f' and z {z!r}' if z else ''} of one field "
        f"({groups or 'the pattern has no other group'}): "
        f"{first.path} and {second.path}; give load.pattern a further named group for what tells the fields apart, or "
        "make it match only one of the two"
    )


def _file_names(reference: ImageReference, *, z: int) -> list[str]:
    return [relative.rsplit("/", 1)[-1] for relative in reference.relative[z :: reference.depth]]


def _require_one(tiff: TiffPlanes, *, path: str) -> None:
    if sum(tiff.samples) != 1:
        raise PixelError(f"{Path(path).name} holds {sum(tiff.samples)} planes, expected the one of its channel")


register(TiffPerChannelReader())
