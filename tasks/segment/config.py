"""The configuration's section ``segment``: which objects are found in a field of many cells, and how."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from tasks.core.errors import ConfigError, suggestion
from tasks.core.registry import Device
from tasks.core.section import Section, named_entries
from tasks.segment.registry import ObjectMethod, segmenters


class Segment(Section):
    """Find cells in fields of many cells."""

    device: Literal["auto", "cpu", "gpu"] = Field(
        default="auto",
        description="Where segmentation runs. auto: each object on a GPU where its method has a form for one and one "
        "answers, else on a CPU; gpu: the same, but where none answers the run is refused. What was chosen is in "
        "run.json and part of what a rerun compares.",
    )
    border: Literal["drop", "primary", "keep"] = Field(
        default="drop",
        description="Which cells are left out because the frame of the image cuts them. drop: those of which any "
        "object touches it; primary: those whose first object does, though the others may be cut; keep: none. Objects "
        "found within others go with their cell, and cut none.",
    )
    objects: list[Annotated[ObjectMethod, segmenters]] = Field(
        min_length=1,
        description="Objects to find, in order. The first makes the rows; each of the others derives from earlier "
        "ones, one for one, or is found within an earlier one, any number for one. As YAML, name: {method: …} or a "
        "list of entries with a name.",
    )

    @field_validator("objects", mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        return named_entries(value)

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        first = self.objects[0]
        if first.references:
            key, name = next(iter(first.references.items()))
            primary = [config.model_fields["method"].default for config in segmenters if config.by_itself()]
            raise ValueError(
                f"objects.{first.name}.{key}: got {name!r}, but the first object makes the rows and has no earlier one "
                f"to derive from; put the object that is found by itself first (methods: {', '.join(primary)})"
            )
        earlier: list[str] = []
        children: list[str] = []
        for entry in self.objects:
            if entry.name in (*earlier, *children):
                raise ValueError(f"objects: two objects are named {entry.name!r}; give each a name of its own")
            self._check_within(entry)
            within = {} if entry.within is None else {"within": entry.within}
            for key, name in (entry.references | within).items():
                if name in children:
                    raise ValueError(
                        f"objects.{entry.name}.{key}: got {name!r}, of which a cell may have several; "
                        f"{suggestion(name, earlier)}"
                    )
                if name not in earlier:
                    raise ValueError(
                        f"objects.{entry.name}.{key}: got {name!r}, expected an object listed earlier; "
                        f"{suggestion(name, earlier)}"
                    )
            (children if within else earlier).append(entry.name)
        return self

    def _check_within(self, entry: ObjectMethod) -> None:
        """Refuse an object of which nothing tells how many a cell has."""
        first, method = self.objects[0], entry.model_dump()["method"]
        if entry is first and entry.within is not None:
            raise ValueError(
                f"objects.{entry.name}.within: got {entry.within!r}, but the first object makes the rows; leave it out"
            )
        if entry.references and entry.within is not None:
            raise ValueError(
                f"objects.{entry.name}.within: got {entry.within!r}, but {method} gives each cell one object; leave it "
                "out"
            )
        if entry is not first and not entry.references and entry.within is None:
            matched = " or ".join(f"{key}: {first.name}" for key in entry.REFERENCES)
            raise ValueError(
                f"objects.{entry.name}: {method} finds objects by itself, so that a cell may have several; add "
                f"within: {first.name} to link each to the object in which it lies; for one in each cell, "
                f"{matched or 'take a method that derives from an earlier object'}"
            )

    @model_validator(mode="after")
    def _check_device(self) -> Self:
        if not self.devices:
            methods = ", ".join(sorted({str(entry.model_dump()["method"]) for entry in self.objects}))
            having = ", ".join(name for name in segmenters.names if "gpu" in segmenters[name].devices)
            raise ValueError(
                f"device: got 'gpu', but no method here has a form for one: {methods}; set it to auto or cpu "
                f"(methods that have: {having or 'none'})"
            )
        return self

    @property
    def devices(self) -> tuple[Device, ...]:
        """Devices that at least one method has a form for, and that are allowed."""
        known = {device for entry in self.objects for device in segmenters.part(entry).devices}
        allowed: tuple[Device, ...] = ("gpu", "cpu") if self.device == "auto" else (self.device,)
        return tuple(device for device in allowed if device in known)

    @property
    def identity(self) -> object:
        """What results depend on: where objects are found, tasks are told object by object."""
        return {name: getattr(self, name) for name in type(self).model_fields if name != "device"}

    def located(self) -> Self:
        """Return it with objects whose paths hold in whatever folder a worker works."""
        return self.model_copy(update={"objects": [entry.located() for entry in self.objects]})

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the objects in order."""
        return tuple(entry.name for entry in self.objects)

    @property
    def label_files(self) -> dict[str, str]:
        """Object to where its label images are, of the methods that take them from files."""
        return {entry.name: files for entry in self.objects if (files := entry.label_files) is not None}


def check_channels(config: Segment, channels: Sequence[str]) -> None:
    """Check that every channel the configuration names exists.

    Raises
    ------
    ConfigError
        An object names a channel that `channels` lacks.
    """
    for entry in config.objects:
        for key, named in entry.channels_by_key.items():
            for channel in named:
                if channel not in channels:
                    raise ConfigError(
                        f"segment.objects.{entry.name}.{key}: got {channel!r}, which is no channel here; "
                        f"{suggestion(channel, channels)}"
                    )
