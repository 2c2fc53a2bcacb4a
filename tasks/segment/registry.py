"""What every method that finds objects in a field shares: its configuration, its signature, its registry."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

from pydantic import ConfigDict, Field, field_validator

from tasks.core.registry import Device, Registry
from tasks.core.section import Method, check_name
from tasks.core.types import AnyArray, LabelArray


class ObjectMethod(Method):
    """How one kind of object is found; base of every method's configuration.

    A method that starts from other objects names the fields that hold their names in `REFERENCES`; one that needs none
    finds objects by itself: the first object, which is the row, or children `within` an earlier one. `CHANNELS` names
    the fields that hold a channel, or several.
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
    def described(self) -> str:
        """How messages call it."""
        return f"object {self.name!r} (method {type(self).model_fields['method'].default})"

    @property
    def references(self) -> dict[str, str]:
        """Key as written in YAML to the name of the object that it refers to; without those left out."""
        fields = type(self).model_fields
        return {fields[key].alias or key: name for key in self.REFERENCES if (name := getattr(self, key)) is not None}

    @classmethod
    def by_itself(cls) -> bool:
        """Whether it can find objects without earlier ones."""
        return not any(cls.model_fields[key].is_required() for key in cls.REFERENCES)

    @property
    def channels_by_key(self) -> dict[str, tuple[str, ...]]:
        """Key to the channels that it names."""
        values = {key: getattr(self, key, None) for key in self.CHANNELS}
        return {key: (value,) if isinstance(value, str) else tuple(value or ()) for key, value in values.items()}

    @property
    def label_files(self) -> str | None:
        """Where label images are that it takes from files: a path with placeholders (`tasks.core.label_files`).

        That of a field is in `labels`, under the object's own name, when the method is called.
        """
        return None

    def located(self) -> Self:
        """Return it with paths that hold in whatever folder a worker works; a relative one is of this process's."""
        return self

    def requirements(self) -> dict[str, str]:
        """Versions of packages and digests of files on which results depend besides the configuration; none is loaded.

        Raises
        ------
        ConfigError
            One is not there; the message says how to get it.
        """
        return {}

    def load(self, *, device: Device) -> None:
        """Load what the method needs, such as a model or kernels, once in each process, before it is called.

        What fails here is no field's fault.

        Raises
        ------
        ConfigError
            It cannot be used.
        """
        del device

    @property
    def identity(self) -> object:
        """What results depend on."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        requirements = self.requirements()
        return {**fields, "requirements": requirements} if requirements else fields


class Segmenter(Protocol):
    """Find one kind of object in a field: a pure function of arrays and a frozen configuration.

    On a processor, labels are arrays of numpy, whatever found them. On a GPU they lie where they were found, in the
    memory of the host or as arrays of cupy: `tasks.segment.placing.on_device` brings them where they are wanted.
    """

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
