"""A list of channels in the configuration."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator


def _one(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _some(channels: tuple[str, ...]) -> tuple[str, ...]:
    if not channels:
        raise ValueError("got an empty list, expected at least one channel; leave the key out to mean all channels")
    return channels


ChannelList = Annotated[tuple[str, ...], BeforeValidator(_one), AfterValidator(_some)]
"""Names of channels, at least one; a single name may stand without a list."""
