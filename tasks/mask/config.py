"""The section ``mask`` of the configuration."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, field_validator

from tasks.core.errors import ConfigError, suggestion
from tasks.core.per_channel import PerChannel
from tasks.core.section import Section, named_entries
from tasks.mask.border import SHARE
from tasks.mask.channel_list import ChannelList
from tasks.mask.registry import ChannelFilter, MaskMethod, channel_filters, masks


class Mask(Section):
    """How to find the cell in a stamp, that is, in an image of one cell.

    Examples
    --------
    >>> config = Mask(methods=["li", {"method": "circle", "name": "disc"}], main_channel="BF")
    >>> [method.name for method in config.methods]
    ['li', 'disc']
    """

    methods: tuple[Annotated[MaskMethod, masks], ...] = Field(
        description="Ways to find the cell, at least one; each gives its own group of columns in the same row.",
    )
    main_channel: str = Field(
        description="Channel that decides: a stamp is rejected where this one has no object, or none but at the frame."
    )
    border: Annotated[float, Field(ge=0, allow_inf_nan=False)] | Literal["off"] = Field(
        default=SHARE,
        description="An object is removed where it has more border pixels than this share of the stamp's shorter side "
        "(rounded down; a corner counts twice). 0: no object may touch the frame; off: all may.",
    )
    combine: ChannelList | None = Field(
        default=None,
        description="Channels whose masks unite in the combined mask; all where left out.",
    )
    channel_filter: tuple[Annotated[ChannelFilter, channel_filters], ...] = Field(
        default=(),
        description="Tests of whole channels; a channel that fails any of them has no mask in that stamp.",
    )

    @property
    def from_files(self) -> bool:
        """Whether a method needs the masks that the files hold."""
        return any(method.from_files for method in self.methods)

    @property
    def border_share(self) -> float | None:
        """The border rule's share; None where it is off."""
        return None if self.border == "off" else self.border

    @field_validator("border", mode="before")
    @classmethod
    def _off(cls, value: object) -> object:
        """Take YAML's ``off``, which is false, for the word; no other truth value is a share."""
        return ("on" if value else "off") if isinstance(value, bool) else value

    @field_validator("methods", mode="before")
    @classmethod
    def _methods_shorthand(cls, value: object) -> object:
        """Accept a single method, and a mapping from the names of masks."""
        if isinstance(value, str) or (isinstance(value, Mapping) and isinstance(value.get("method"), str)):
            return [value]
        return named_entries(value, inner="method")

    @field_validator("channel_filter", mode="before")
    @classmethod
    def _filter_shorthand(cls, value: object) -> object:
        """Accept a single filter, and null for none."""
        if value is None:
            return ()
        return [value] if isinstance(value, (str, Mapping)) else value

    @field_validator("methods")
    @classmethod
    def _unique_names(cls, methods: tuple[MaskMethod, ...]) -> tuple[MaskMethod, ...]:
        if not methods:
            raise ValueError(f"got an empty list, expected at least one method; allowed: {', '.join(masks.names)}")
        names = [method.name for method in methods]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"two masks have the name {twice[0]!r}, and their columns would clash; give one of them another 'name'"
            )
        return methods


def check_channels(config: Mask, channels: Sequence[str]) -> None:
    """Check that every channel named in a configuration is there.

    Parameters
    ----------
    config
        Configuration of the masks.
    channels
        Names of the channels that the images have.

    Raises
    ------
    ConfigError
        Some names are no channels; a line for each tells the key, what was got and what is allowed.
    """
    problems = [
        f"{key}: got {name!r}, which is not a channel; {suggestion(name, channels)}"
        for key, name in _named_channels(config)
        if name not in channels
    ]
    if problems:
        raise ConfigError("\n".join(problems))


def _named_channels(config: Mask) -> Iterator[tuple[str, str]]:
    """Yield (key in the configuration, name of a channel) for every channel that a configuration names."""
    yield "mask.main_channel", config.main_channel
    for name in config.combine or ():
        yield "mask.combine", name
    for number, method in enumerate(config.methods):
        for field in type(method).model_fields:
            value = getattr(method, field)
            if isinstance(value, PerChannel):
                for name in value.names:
                    yield f"mask.methods.{number}.{field}", name
    for number, channel_filter in enumerate(config.channel_filter):
        for name in channel_filter.channels or ():
            yield f"mask.channel_filter.{number}.channels", name
