"""Diameters decided over all fields: as tasks are given them, as users get them, as another run takes them over."""

from collections.abc import Callable, Collection, Mapping, Sequence

import polars as pl
from pydantic import ValidationError

from tasks.core.decision import group_values
from tasks.core.errors import ConfigError, InputError, RunError, suggestion
from tasks.core.published import find_published
from tasks.core.work import Frozen
from tasks.segment.config import Segment
from tasks.segment.methods.model import Model, Reuse
from tasks.segment.model.diameter import FieldDiameter, decide_diameters
from tasks.segment.model.form import NetworkFile
from tasks.segment.model.network import find_network
from tasks.segment.registry import ObjectMethod

DIAMETERS = "diameters.json"
"""File in statistics/ that holds the diameters of a run."""

Group = tuple[str, ...]


class GroupDiameter(Frozen):
    """Diameter of a group's objects in pixels, the fields that were looked at, and the objects measured in them."""

    group: dict[str, str]
    diameter: float
    fields: int
    objects: int


class ObjectDiameters(Frozen):
    """Diameters of one object of the configuration, and the model by which they were found."""

    object: str
    model: str
    content: str
    group_by: tuple[str, ...]
    groups: tuple[GroupDiameter, ...]

    @classmethod
    def of(
        cls, learned: "LearnedObject", *, fields: Mapping[Group, Sequence[FieldDiameter | None]]
    ) -> "ObjectDiameters":
        """Decide the diameter of each group from what was measured in its fields."""
        decided = decide_diameters(fields, nominal=learned.network.form.diameter)
        groups = tuple(
            GroupDiameter(
                group=dict(zip(learned.group_by, group, strict=True)),
                diameter=decided[group],
                fields=len(own),
                objects=sum(field.objects for field in own if field is not None),
            )
            for group, own in sorted(fields.items())
        )
        network = learned.network
        return cls(
            object=learned.object,
            model=network.form.name,
            content=network.content,
            group_by=learned.group_by,
            groups=groups,
        )

    @property
    def by_group(self) -> dict[Group, GroupDiameter]:
        """The groups by their values of `group_by`."""
        return {tuple(own.group[name] for name in self.group_by): own for own in self.groups}


class PublishedDiameters(Frozen):
    """What stands in statistics/diameters.json."""

    diameters: tuple[ObjectDiameters, ...]


class LearnedObject(Frozen):
    """What was decided of an object that a model finds.

    Parameters
    ----------
    object
        Its name.
    network
        The model's file.
    group_by
        Metadata that tell an image's group.
    diameters
        Diameter of each group, in pixels; none where they are still to be estimated.
    """

    object: str
    network: NetworkFile
    group_by: tuple[str, ...] = ()
    diameters: tuple[tuple[Group, float], ...] = ()

    def with_diameters(self, decided: ObjectDiameters) -> "LearnedObject":
        """Return it with what was decided."""
        diameters = tuple((group, own.diameter) for group, own in decided.by_group.items())
        return self.model_copy(update={"group_by": decided.group_by, "diameters": diameters})

    def narrowed(self, groups: Collection[Group]) -> "LearnedObject":
        """Return what concerns images of these groups."""
        own = tuple((group, diameter) for group, diameter in self.diameters if group in groups)
        return self.model_copy(update={"diameters": own})


def settled(config: Segment, *, learned: Sequence[LearnedObject], image: pl.DataFrame) -> Segment:
    """Return the configuration for an image, a table of one row, with every diameter that was decided for it."""
    known = {own.object: own for own in learned}
    objects: list[ObjectMethod] = []
    for entry in config.objects:
        own = known.get(entry.name)
        if isinstance(entry, Model) and own is not None:
            diameter = dict(own.diameters)[group_values(image, own.group_by)[0]]
            objects.append(entry.decided(model=own.network.path, diameter=diameter))
        else:
            objects.append(entry)
    return config.model_copy(update={"objects": objects})


def check_unchanged(learned: Sequence[LearnedObject]) -> None:
    """Refuse a model's file that is no longer what it was when the run began.

    Raises
    ------
    RunError
        Naming it.
    """
    for own in learned:
        if find_network(own.network.path).content != own.network.content:
            raise RunError(f"the model {own.network.path} changed while the run went on; run the same command again")


def find_learned(
    config: Segment, *, groups: Sequence[str], present_groups: Callable[[Sequence[str]], Collection[Group]]
) -> tuple[tuple[LearnedObject, ...], PublishedDiameters]:
    """Find the models of a configuration, and the diameters that it names or takes over from another run.

    Parameters
    ----------
    groups
        Metadata that the images have.
    present_groups
        Tells the groups that the images form by some metadata.

    Returns
    -------
    learned, reused
        What is known of each object that a model finds, in order; and of them what another run has decided, of this
        one's groups.

    Raises
    ------
    ConfigError, InputError
        A model cannot be used, images have no such metadata, or the other run has not decided what is needed here.
    """
    learned: list[LearnedObject] = []
    reused: list[ObjectDiameters] = []
    for entry in (entry for entry in config.objects if isinstance(entry, Model)):
        key = f"segment.objects.{entry.name}"
        try:
            network = find_network(entry.model)
        except ConfigError as error:
            raise ConfigError(f"{key}.model: {error}") from error
        own = LearnedObject(object=entry.name, network=network, group_by=entry.group_by)
        if unknown := [name for name in entry.group_by if name not in groups]:
            raise ConfigError(
                f"{key}.group_by: got {unknown[0]!r}, which is no metadata of the images; "
                f"{suggestion(unknown[0], groups)}"
            )
        if isinstance(entry.diameter, Reuse):
            taken = _take_over(entry.diameter, name=entry.name, present_groups=present_groups)
            reused.append(taken)
            own = own.with_diameters(taken)
        elif entry.diameter != "auto":
            own = own.model_copy(update={"diameters": (((), entry.diameter),)})
        learned.append(own)
    return tuple(learned), PublishedDiameters(diameters=tuple(reused))


def _take_over(
    config: Reuse, *, name: str, present_groups: Callable[[Sequence[str]], Collection[Group]]
) -> ObjectDiameters:
    """Read the diameters of an object from another run, and leave out groups that this one does not have."""
    key = f"segment.objects.{name}.diameter.use"
    path = find_published(config.use, name=DIAMETERS)
    if path is None:
        raise InputError(
            f"{key}: there is no {DIAMETERS} at {config.use!r}; name the output folder of a run that estimated "
            f"diameters, or its statistics/{DIAMETERS}"
        )
    try:
        published = PublishedDiameters.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{key}: {path} is not a list of diameters as this program writes it") from error
    known = {own.object: own for own in published.diameters}
    if name not in known:
        raise InputError(f"{key}: {path} has no diameter of {name!r}; {suggestion(name, known)}")
    own, present = known[name], present_groups(known[name].group_by)
    if missing := sorted(set(present) - set(own.by_group)):
        named = ", ".join("/".join(group) for group in missing[:3])
        raise InputError(
            f"{key}: {path} has no diameter for {len(missing)} of {len(present)} groups by "
            f"{', '.join(own.group_by)}: {named}{' …' if len(missing) > 3 else ''}; set diameter: auto, or a number"
        )
    return own.model_copy(update={"groups": tuple(of for group, of in own.by_group.items() if group in present)})
