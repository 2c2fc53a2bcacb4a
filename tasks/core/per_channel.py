"""A parameter that may differ between channels."""

from collections.abc import Mapping
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

from pydantic import BeforeValidator, Field, field_validator

from tasks.core.section import Section, named_entries

ValueT = TypeVar("ValueT")


class ShortlyTitled(Section):
    """A generic part of the configuration, titled in forms by its type alone: `float`, without the bounds."""

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Name a parametrised model, as in ``PerChannel[float]``."""
        plain = [get_args(param)[0] if get_origin(param) is Annotated else param for param in params]
        return f"{cls.__name__}[{', '.join(getattr(param, '__name__', str(param)) for param in plain)}]"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it by what it is made of: a parametrised model stands in no module, and would be written as code."""
        generic = type(self).__pydantic_generic_metadata__
        return _restored, (generic["origin"], generic["args"], dict(self))


def _restored(model: Any, parameters: tuple[Any, ...], values: dict[str, Any]) -> ShortlyTitled:  # noqa: ANN401
    restored: ShortlyTitled = model[parameters].model_construct(**values)
    return restored


class ChannelValue(ShortlyTitled, Generic[ValueT]):
    """The value of a parameter in one channel."""

    name: str = Field(description="Name of the channel.")
    value: ValueT = Field(description="Value in this channel.")


class PerChannel(ShortlyTitled, Generic[ValueT]):
    """One value for all channels, or other values for some of them.

    A configuration file may write ``0.5`` (for all channels) or ``{BF: 0, PI: 0.5}`` (the channels not listed keep the
    parameter's default, or take the value under the key ``default``). The form kept, and recorded with a run, is
    ``{default: …, channels: [{name: BF, value: 0}, …]}``.

    Examples
    --------
    >>> sigma = PerChannel[float](default=0.5, channels=({"name": "BF", "value": 0},))
    >>> sigma.of("BF"), sigma.of("PI")
    (0.0, 0.5)
    """

    default: ValueT = Field(description="Value in every channel that is not listed.")
    channels: tuple[ChannelValue[ValueT], ...] = Field(default=(), description="Channels that differ from the default.")

    @field_validator("channels", mode="before")
    @classmethod
    def _shorthand(cls, value: object) -> object:
        return named_entries(value, inner="value")

    @field_validator("channels")
    @classmethod
    def _once_each(cls, channels: tuple[ChannelValue[ValueT], ...]) -> tuple[ChannelValue[ValueT], ...]:
        names = [channel.name for channel in channels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"got two values for the channel {twice[0]!r}; give one")
        return channels

    @property
    def names(self) -> tuple[str, ...]:
        """Channels that are listed."""
        return tuple(channel.name for channel in self.channels)

    def of(self, channel: str) -> ValueT:
        """Return the value in a channel: its own where it is listed, else the default."""
        return next((entry.value for entry in self.channels if entry.name == channel), self.default)


def shorthand(*, default: object) -> BeforeValidator:
    """Accept the short spellings of a `PerChannel`; channels that are not listed get `default`.

    Use it as ``sigma: Annotated[PerChannel[float], shorthand(default=0.5)]``.
    """

    def expand(value: object) -> object:
        if isinstance(value, PerChannel):
            return value
        if not isinstance(value, Mapping):
            return {"default": value}
        rest: dict[str, Any] = {name: entry for name, entry in value.items() if name != "default"}
        if isinstance(rest.get("channels"), (list, tuple)):
            return {"default": default, **value}
        return {"default": value.get("default", default), "channels": rest}

    return BeforeValidator(expand)
