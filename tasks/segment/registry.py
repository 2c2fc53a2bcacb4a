"""What every method that finds objects in a field shares: its configuration, its signature, its registry."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from pydantic import ConfigDict, Field, field_validator

from tasks.core.registry import Registry
from tasks.core.section import Method, check_name
from tasks.core.types import AnyArray, LabelArray


class ObjectMethod(Method):
    """How one kind of object is found; base of every method's configuration.

    A method that starts from other objects names the fields that hold their names in `REFERENCES`; a method without
    references finds objects by itself: the first object, which is the row, or children `within` an earlier one.
    `CHANNELS` names the fields that hold channels.
    """

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    REFERENCES: ClassVar[tuple[str, ...]] = ()
    CHANNELS: ClassVar[tuple[str, ...]] = ("channel",)

    name: str = Field(description="Name of the object, such as nucleus; the first part of its column names.")
    within: str | None = Field(
        default=None,
        description="Of a method that finds objects by itself, such as spots: earlier object in which they lie. A cell "
        "may then have several; each belongs to the one that it shares most pixels with, and features give their "
        "number and their means.",
    )

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if "." in name:
            raise ValueError(f"the name {name!r} cannot be used: '.' is kept for combined masks; use another character")
        return check_name(name)

    @property
    def references(self) -> dict[str, str]:
        """Key as written in YAML to the name of the object that it refers to."""
        fields = type(self).model_fields
        return {fields[key].alias or key: getattr(self, key) for key in self.REFERENCES}


class Segmenter(Protocol):
    """Find one kind of object in a field: a pure function of arrays and a frozen configuration."""

    def __call__(  # noqa: D102 - the class tells
        self,
        image: AnyArray,
        *,
        labels: Mapping[str, LabelArray],
        config: Any,  # noqa: ANN401 - each method has its own configuration
        channels: Sequence[str],
    ) -> LabelArray: ...


segmenters: Registry[ObjectMethod, Segmenter] = Registry("segment", "tasks.segment.methods")
"""The methods by name; an installed package offers more through entry points of the group ``scip_flows.segment``."""
