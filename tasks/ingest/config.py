"""The configuration's section ``load``."""

import re
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from tasks.core.errors import suggestion
from tasks.core.per_channel import PerChannel, shorthand
from tasks.core.section import Section, check_name, named_entries
from tasks.ingest.limits import DEFAULT, Limits
from tasks.ingest.metadata_table import MetadataTable
from tasks.ingest.readers import readers
from tasks.ingest.readers.base import CHANNEL_GROUP, Z_GROUP
from tasks.ingest.references import RESERVED_GROUPS

Level = Annotated[float, Field(ge=0, allow_inf_nan=False)]

__all__ = ["CHANNEL_GROUP", "ChannelSource", "Load"]


class ChannelSource(Section):
    """One channel: what it is called here, and which plane of the file it is."""

    name: str = Field(description="Name of the channel, used in column names; may not contain '__'.")
    source: int | str = Field(
        description="Index of the channel in the file, from 0; or the channel's own name in the file; with the reader "
        "tiff_per_channel the text of the pattern's group 'channel'."
    )

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        return check_name(name)

    @field_validator("source", mode="before")
    @classmethod
    def _source(cls, source: object) -> object:
        if isinstance(source, bool) or (isinstance(source, int) and source < 0) or source == "":
            raise ValueError(f"got {source!r}, expected an index from 0 on or a channel's name in the file")
        return source


class Load(Section):
    """Which files are images, what their names tell, and which of their channels are used."""

    reader: str = Field(
        default="auto",
        description="How the files are read: auto (by suffix and pattern), or the name of a reader.",
        json_schema_extra=lambda schema: schema.update(enum=["auto", *readers.names]),
    )
    pattern: str | None = Field(
        default=None,
        description="Regular expression searched in each image's path relative to the input's parent folder. Its "
        r"named groups, as in sample(?P<sample>\d+), become metadata columns; but of files of one channel each a group "
        "'channel' names the channel and a group 'z' the plane of a z-stack. Files that do not match are left out and "
        "counted.",
    )
    channels: tuple[ChannelSource, ...] = Field(
        default=(),
        description="The channels to use, in order. Short form: {BF: 0, PI: 1}. Left out: all channels of the files.",
    )
    offset: Annotated[PerChannel[Level], shorthand(default=0.0)] = Field(
        default=PerChannel[Level](default=0.0),
        description="Dark level of the camera, which is subtracted from all pixels as they are read; whole numbers "
        "without sign stop at 0. Short form: 100, or {DAPI: 100}.",
    )
    pixel_size: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Width of a pixel in µm, of images whose files do not tell it.",
    )
    metadata: MetadataTable | None = Field(
        default=None,
        description="A table, such as a plate map, whose columns become metadata of the images: {file: plate.csv, on: "
        "well}.",
    )
    max_pixels: int = Field(
        default=DEFAULT.max_pixels,
        ge=1,
        description="Pixels (rows times columns) that a channel may have. An image whose header claims more is "
        "quarantined before it is decoded.",
    )
    max_compression: float = Field(
        default=DEFAULT.max_compression,
        ge=1,
        description="How many times larger an image may become when it is decompressed. One of more than 16 MiB whose "
        "header claims more is quarantined before it is decoded.",
    )

    @field_validator("reader")
    @classmethod
    def _reader(cls, reader: str) -> str:
        allowed = ("auto", *readers.names)
        if reader not in allowed:
            raise ValueError(f"unknown reader {reader!r}; {suggestion(reader, allowed)}")
        return reader

    @field_validator("pattern")
    @classmethod
    def _pattern(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        try:
            groups = re.compile(pattern).groupindex
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(
                f"{pattern!r} is not a regular expression: {error}. Named groups are written (?P<well>[A-H]\\d+)"
            ) from error
        for group in groups:
            check_name(group)
            if group in RESERVED_GROUPS:
                raise ValueError(
                    f"the group {group!r} would overwrite the column meta__{group}; give it another name, such as "
                    f"{group}_id"
                )
        return pattern

    @field_validator("channels", mode="before")
    @classmethod
    def _channels(cls, channels: object) -> object:
        return () if channels is None else named_entries(channels, inner="source")

    @field_validator("channels")
    @classmethod
    def _unique(cls, channels: tuple[ChannelSource, ...]) -> tuple[ChannelSource, ...]:
        names = [channel.name for channel in channels]
        double = sorted({name for name in names if names.count(name) > 1})
        if double:
            raise ValueError(f"two channels are called {double[0]!r}; every channel needs a name of its own")
        return channels

    @model_validator(mode="after")
    def _channel_group(self) -> "Load":
        if self.reader == "tiff_per_channel" and CHANNEL_GROUP not in self.groups:
            got = "there is no pattern" if self.pattern is None else f"got {self.pattern!r}"
            raise ValueError(
                f"the reader tiff_per_channel needs a pattern with a group 'channel', {got}; for names such as "
                r"B07_site1_DAPI.tif write (?P<well>[A-Z]\d+)_site(?P<site>\d)_(?P<channel>[A-Z]+)"
            )
        return self

    @property
    def limits(self) -> Limits:
        """What an image may claim to be."""
        return Limits(max_pixels=self.max_pixels, max_compression=self.max_compression)

    @property
    def groups(self) -> tuple[str, ...]:
        """Named groups of the pattern, in the order of their appearance."""
        return () if self.pattern is None else tuple(re.compile(self.pattern).groupindex)

    @property
    def metadata_groups(self) -> tuple[str, ...]:
        """Named groups that become metadata columns: not those that tell channels and z planes apart."""
        stacked = CHANNEL_GROUP in self.groups and self.reader in {"auto", "tiff_per_channel"}
        apart = {CHANNEL_GROUP, Z_GROUP} if stacked else {CHANNEL_GROUP}
        return tuple(group for group in self.groups if group not in apart)
