"""The plug-ins of the mask stage: ways to find a cell in its stamp, and tests that leave channels out."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from tasks.core.registry import Registry
from tasks.core.section import Method, check_name
from tasks.core.types import Batch, BoolArray, Ragged
from tasks.mask.channel_list import ChannelList

RESERVED = ("raw",)
"""Names that columns use for something else: `raw` is the unmasked frame."""


class MaskMethod(Method):
    """A way to find the cell in each channel of its stamp."""

    from_files: ClassVar[bool] = False
    """Whether it needs the masks that the files hold: `Batch.file_masks`."""

    name: str = Field(
        default="",
        description="Name of this mask in the column names; the method where left out. Unique among the masks.",
    )

    @model_validator(mode="before")
    @classmethod
    def _default_name(cls, value: object) -> object:
        """Name a mask after its method where no name is given."""
        if isinstance(value, Mapping) and value.get("name") in (None, ""):
            return {**value, "name": cls.model_fields["method"].default}
        return value

    @field_validator("name")
    @classmethod
    def _usable_name(cls, name: str) -> str:
        if "." in name:
            raise ValueError(
                f"the name {name!r} cannot be used: a name may not contain '.', which marks the combined mask "
                f"('{name.split('.', maxsplit=1)[0]}.combined'); write '-' or '_' in its place"
            )
        if name in RESERVED:
            raise ValueError(
                f"the name {name!r} cannot be used: it stands for the unmasked frame; choose another, such as 'cell'"
            )
        return check_name(name)


class ChannelFilter(Method):
    """A test of a whole channel of a stamp; a channel that fails has no mask."""

    channels: ChannelList | None = Field(default=None, description="Channels to test; all where left out.")


MaskFunction = Callable[[Batch, Any], Ragged]
"""(batch, its configuration) → bool masks of the batch's shapes, C channels, before border rule and channel filter."""

FilterFunction = Callable[[Batch, Any], BoolArray]
"""(batch, its configuration) → (N, C) bool, whether a channel of a stamp passes; the caller looks at `channels`."""

masks: Registry[MaskMethod, MaskFunction] = Registry("mask", "tasks.mask.methods")
channel_filters: Registry[ChannelFilter, FilterFunction] = Registry("channel_filter", "tasks.mask.filters")
