"""What a feature family is, and the register of those that exist."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from tasks.core.columns import Column
from tasks.core.packages import Versions, offered_by
from tasks.core.regions import COMBINED
from tasks.core.registry import Parts
from tasks.core.types import Batch, FloatArray, IntArray, Region

Profile = Literal["standard", "scip"]

RAW = "raw"
"""Name of the region that is the whole unmasked frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionInfo:
    """What columns need to know of a region: its name, whether all channels share it, whether it is a later object."""

    name: str
    shared: bool
    derived: bool = False

    @property
    def combined(self) -> bool:
        """Whether it is a combined mask."""
        return self.name.endswith(COMBINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDef:
    """A feature before it is tied to a region and channels; the fields are those of `tasks.core.columns.Column`."""

    stat: str
    param: str = ""
    scip: str = ""
    unit: str
    definition: str
    reference: str = ""
    invariances: tuple[str, ...] = field(default=())

    def column(self, *, family: str, region: RegionInfo, channels: tuple[str, ...] = (), scip: str = "") -> Column:
        """Tie the feature to a region and its channels; `scip` is the published system's spelling there."""
        return Column(
            region=region.name,
            family=family,
            stat=self.stat,
            param=self.param,
            channels=channels,
            scip=scip,
            unit=self.unit,
            definition=self.definition,
            reference=self.reference,
            invariances=self.invariances,
        )


class DescribeColumns(Protocol):
    """Describe the columns that a family measures in one region."""

    def __call__(self, *, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
        """Return K columns."""


class MeasureRegion(Protocol):
    """Measure a family in one region of a batch."""

    def __call__(self, batch: Batch, region: Region, /) -> FloatArray:
        """Return (N, K) float64, the columns as `DescribeColumns` lists them."""


class MeasureLevels(Protocol):
    """Measure a level image in plain code."""

    def __call__(self, levels: IntArray, *, number: int) -> FloatArray:
        """Return (K,) float64 of levels (H, W) int64, 1 to `number` in the region, which has a pixel, and 0 outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A feature family of a profile.

    Parameters
    ----------
    name, profile
        ``shape`` of profile ``standard``: the pair is unique.
    description
        What it measures, in one sentence: the same in every profile.
    columns, measure
        Names and values, which must agree in number and order for every region and number of channels.
    frame
        Whether it is measured once in the whole frame of each stamp instead of in every region.
    optional
        Whether it is measured only where the configuration lists it.
    field
        Whether it looks at the other objects of a field, and so cannot be measured on stamps.
    plain
        The same values in plain code, where `measure` is compiled: what tests hold it against.
    module
        The module whose code it is, where that is another than `measure`'s.
    """

    name: str
    description: str
    columns: DescribeColumns
    measure: MeasureRegion
    profile: Profile = "standard"
    frame: bool = False
    optional: bool = False
    field: bool = False
    plain: MeasureRegion | None = None
    module: str = ""

    @property
    def packages(self) -> Versions:
        """The package of others whose code it is, if it is."""
        return offered_by(self.module or self.measure.__module__)


ORDER = ("shape", "intensity", "texture")
"""Families whose columns come first, in this order; the others follow by name, those of the whole frame last."""

families: Parts[Family] = Parts("family", "tasks.features.families")
"""All families, by profile and name: ``standard.shape``."""


def register(family: Family) -> None:
    """Make a family known."""
    families.add(f"{family.profile}.{family.name}", family)


def families_of(profile: Profile) -> dict[str, Family]:
    """Families of a profile by name, in the order in which their columns stand in a table."""
    known = [family for name in families.names if (family := families[name]).profile == profile]
    return {family.name: family for family in sorted(known, key=_place)}


def _place(family: Family) -> tuple[bool, int, str]:
    """Sort key that depends on neither the order of imports nor on what else is installed."""
    return family.frame, ORDER.index(family.name) if family.name in ORDER else len(ORDER), family.name
