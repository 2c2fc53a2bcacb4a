"""All families at once: the columns of the feature table, and its values in the same order."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from tasks.core.columns import Column, unique_names
from tasks.core.errors import ConfigError
from tasks.core.types import Batch, FloatArray, Ragged, Region
from tasks.features.config import Features
from tasks.features.family import RAW, Family, RegionInfo


def feature_columns(
    *, config: Features, channels: Sequence[str], regions: Sequence[tuple[str, bool]]
) -> tuple[Column, ...]:
    """Describe the columns that `measure` fills.

    Parameters
    ----------
    config
        Profile and families.
    channels
        C names.
    regions
        Name of each region and whether all channels share it.

    Returns
    -------
    tuple[Column, ...]
        Region by region, family by family, channel by channel; families of the whole frame last.

    Raises
    ------
    ConfigError
        A family of the whole frame is asked for where there are no masks, or one of fields on stamps.
    ValueError
        Two columns share a name.
    """
    names = tuple(channels)
    columns = [
        column
        for family, region in _plan(config=config, regions=_infos(regions))
        for column in family.columns(region=region, channels=names)
        if not _repeated(column, region)
    ]
    unique_names(columns)
    return tuple(columns)


def measure(batch: Batch, regions: Sequence[Region], *, config: Features) -> FloatArray:
    """Measure all families in all regions.

    Parameters
    ----------
    batch
        Pixels of N cells.
    regions
        Where to measure.
    config
        Profile and families.

    Returns
    -------
    FloatArray
        (N, K) float64, the columns in the order of `feature_columns`; missing values are NaN.

    Raises
    ------
    ValueError
        A region does not fit the batch, or a family returns another number of values than it names columns.
    """
    by_name = {region.name: region for region in regions}
    blocks = [np.empty((len(batch), 0))]
    for family, info in _plan(config=config, regions=_infos([(region.name, region.shared) for region in regions])):
        region = _frame(batch) if family.frame else by_name[info.name]
        values = family.measure(batch, region)
        wanted = _wanted(family, info, batch.channels)
        expected = len(batch), len(wanted)
        if values.shape != expected:
            raise ValueError(
                f"family {family.name!r} of profile {family.profile!r} returned values of shape {values.shape} in "
                f"region {info.name!r}, expected {expected}: as many columns as it names"
            )
        blocks.append(values if all(wanted) else values[:, wanted])
    return np.concatenate(blocks, axis=1)


@lru_cache(maxsize=256)
def _wanted(family: Family, region: RegionInfo, channels: tuple[str, ...]) -> tuple[bool, ...]:
    """Which columns of a family are in the table; describing them takes as long as measuring a few cells."""
    return tuple(not _repeated(column, region) for column in family.columns(region=region, channels=channels))


def _repeated(column: Column, region: RegionInfo) -> bool:
    """Whether a column says what one of the field's first object does: the background is that of the whole field."""
    return region.derived and (column.family, column.stat) == ("intensity", "background")


def _infos(regions: Sequence[tuple[str, bool]]) -> list[RegionInfo]:
    """Tell the first of a field's objects from those that derive from it; on stamps none does."""
    field = all(shared for _, shared in regions)
    infos = [RegionInfo(name=name, shared=shared) for name, shared in regions]
    return [replace(info, derived=field and not info.combined and number > 0) for number, info in enumerate(infos)]


def _plan(*, config: Features, regions: Sequence[RegionInfo]) -> list[tuple[Family, RegionInfo]]:
    """Which family is measured where, in the order of the columns."""
    fields = [family for family in config.selected if family.field]
    if fields and not all(region.shared for region in regions):
        raise ConfigError(
            f"features.families: {fields[0].name!r} looks at the other objects of a field, and a stamp shows one cell "
            "alone; leave it out"
        )
    plan = [(family, region) for region in regions for family in config.selected if not family.frame]
    frames = [family for family in config.selected if family.frame]
    if all(region.shared for region in regions):
        # objects cut out of a field: their frame is a box, of which nothing is asked
        if frames and config.families is not None:
            raise ConfigError(
                f"features.families: {frames[0].name!r} is measured on stamps that have masks, and here are none; "
                "leave it out"
            )
        return plan
    return plan + [(family, RegionInfo(name=RAW, shared=True)) for family in frames]


def _frame(batch: Batch) -> Region:
    """Return the region that fills the frame of every cell."""
    shapes = batch.pixels.shapes
    return Region(
        name=RAW,
        shared=True,
        masks=Ragged(flat=np.ones(int(shapes.prod(axis=1).sum()), dtype=np.bool_), shapes=shapes, n_channels=1),
        background=np.zeros((len(batch), len(batch.channels))),
    )
