"""What was decided about scaling, as it stands in statistics/normalization.json, and how it is applied to pixels."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Self

import numpy as np
from pydantic import AfterValidator, BeforeValidator, model_validator

from tasks.core.errors import PixelError
from tasks.core.exact.statistics import NAN
from tasks.core.types import AnyArray, FloatArray
from tasks.core.work import Frozen
from tasks.normalize.config import Transform


def _missing(value: object) -> object:
    return NAN if value is None else value


def _one_nan(value: float) -> float:
    """Return the same object for every NaN, so that equal scalings compare equal."""
    return value if value == value else NAN  # noqa: PLR0124 - NaN differs from itself


Number = Annotated[float, BeforeValidator(_missing), AfterValidator(_one_nan)]
"""A number; missing is NaN, and null in JSON."""


class ChannelScaling(Frozen):
    """The scaling of a channel: y = (x − center) / scale.

    Parameters
    ----------
    center, scale
        In the unit of the pixels; scale is positive, both are NaN where there was no pixel.
    count
        Pixels that they were found from.
    """

    channel: str
    center: Number
    scale: Number
    count: int


class GroupScaling(Frozen):
    """The scaling of each channel in one group: metadata to value, "" where it is missing."""

    group: dict[str, str]
    channels: tuple[ChannelScaling, ...]


class Scaling(Frozen):
    """The scaling of all pixels of a data set.

    Parameters
    ----------
    method
        Name of the method that found it.
    transform
        What follows (x − center) / scale: nothing (``linear``) or the inverse hyperbolic sine (``asinh``).
    region
        The mask or object whose pixels it was found from.
    group_by
        Metadata that each group has a value of.
    channels
        Names of the channels, which all groups have in this order.
    """

    method: str
    transform: Transform
    region: str
    group_by: tuple[str, ...]
    channels: tuple[str, ...]
    groups: tuple[GroupScaling, ...]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for group in self.groups:
            if tuple(group.group) != self.group_by:
                raise ValueError(f"groups: got one by {', '.join(group.group)}, expected {', '.join(self.group_by)}")
            if tuple(channel.channel for channel in group.channels) != self.channels:
                raise ValueError(
                    f"groups: the channels of {group_text(group.group)} are not {', '.join(self.channels)}"
                )
            for channel in group.channels:
                if channel.scale <= 0 or np.isinf((channel.center, channel.scale)).any():
                    raise ValueError(
                        f"groups: channel {channel.channel} of {group_text(group.group)} has center {channel.center:g} "
                        f"and scale {channel.scale:g}; scale has to be positive, and both finite"
                    )
        return self

    @cached_property
    def known(self) -> dict[tuple[str, ...], GroupScaling]:
        """The groups by the values of their metadata."""
        return {tuple(group.group.values()): group for group in self.groups}

    def of(self, group: Mapping[str, str]) -> GroupScaling:
        """Return the scaling of a group; metadata beyond `group_by` are not looked at.

        Raises
        ------
        PixelError
            There is none.
        """
        wanted = {name: group.get(name, "") for name in self.group_by}
        scaling = self.known.get(tuple(wanted.values()))
        if scaling is None:
            raise PixelError(
                f"belongs to {group_text(wanted)}, of which no scaling is known ({abbreviated(self.known)} are)"
            )
        return scaling

    def narrowed(self, channels: Iterable[str]) -> "Scaling":
        """Return the scaling of these channels, in this order; it has to have them."""
        order = tuple(channels)
        groups = []
        for group in self.groups:
            by_name = {channel.channel: channel for channel in group.channels}
            groups.append(GroupScaling(group=group.group, channels=tuple(by_name[name] for name in order)))
        return self.model_copy(update={"channels": order, "groups": tuple(groups)})


def group_text(group: Mapping[str, str]) -> str:
    """Name a group in a message.

    Examples
    --------
    >>> group_text({"plate": "P1", "well": ""})
    "the group plate 'P1', well ''"
    >>> group_text({})
    'the whole data set'
    """
    return "the group " + ", ".join(f"{name} {value!r}" for name, value in group.items()) if group else WHOLE


WHOLE = "the whole data set"
MOST_NAMED = 3


def abbreviated(groups: Iterable[tuple[str, ...]]) -> str:
    """Name the first few groups, and say how many there are beside these.

    Examples
    --------
    >>> abbreviated([("P1",), ("P2",), ("P3",), ("P4",), ("P5",)])
    "'P1', 'P2', 'P3' and 2 more"
    """
    names = [repr(" ".join(group)) if group else WHOLE for group in sorted(groups)]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return (", ".join(names[:MOST_NAMED]) or "none") + more


def apply(image: AnyArray, group: GroupScaling, *, transform: Transform) -> AnyArray:
    """Scale an image.

    Parameters
    ----------
    image
        (C, H, W) pixels of any integer or floating-point type.
    group
        The scaling of its group, in the order of its channels.
    transform
        `Scaling.transform`.

    Returns
    -------
    (C, H, W) float32, computed in float64 and rounded once, of pixels of at most 16 bits and of float32; else float64.
    A channel whose scaling is not known becomes NaN.
    """
    _check_channels(len(image), group)
    scaled = np.empty(image.shape, dtype=np.result_type(image.dtype, np.float32))
    for number, channel in enumerate(group.channels):
        scaled[number] = _scaled(image[number].astype(np.float64), channel, transform=transform)
    return scaled


def apply_levels(values: FloatArray, group: GroupScaling, *, transform: Transform) -> FloatArray:
    """Put levels, such as backgrounds, on the scale that `apply` puts pixels on.

    Parameters
    ----------
    values
        (N, C) or (C,) float64, in the unit of the pixels; NaN stays NaN.
    """
    _check_channels(values.shape[-1], group)
    scaled = np.array(values, dtype=np.float64)
    for number, channel in enumerate(group.channels):
        scaled[..., number] = _scaled(scaled[..., number], channel, transform=transform)
    return scaled


def _scaled(values: FloatArray, channel: ChannelScaling, *, transform: Transform) -> FloatArray:
    values = (values - channel.center) / channel.scale
    return np.arcsinh(values) if transform == "asinh" else values


def _check_channels(number: int, group: GroupScaling) -> None:
    if number != len(group.channels):
        raise PixelError(f"has {number} channels, but {len(group.channels)} have a scaling")
