"""Families that measure each channel, or each mask, by itself: definitions, kernel and plain code become a family."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from tasks.core.columns import Column
from tasks.core.types import Batch, BoolArray, FloatArray, Region
from tasks.features.blocks import Block, LevelImages, blocks
from tasks.features.cells import ChannelCell, cells, check_fit
from tasks.features.family import DescribeColumns, Family, FeatureDef, MeasureLevels, Profile, RegionInfo, register


def register_per_channel(
    *,
    name: str,
    description: str,
    definitions: Sequence[FeatureDef],
    plain: Callable[[ChannelCell], FloatArray],
    kernel: Callable[[Block, FloatArray], None] | None = None,
    profile: Profile = "standard",
    group: str = "",
    frame: bool = False,
    optional: bool = False,
) -> None:
    """Register a family that measures each channel of a region by itself.

    Parameters
    ----------
    name, profile, description, frame, optional
        Those of `tasks.features.family.Family`.
    definitions
        The K features of a channel, in the order of the values.
    plain
        Measures one channel of one cell; (K,) float64.
    kernel
        Compiled code that does the same for many: fills (n, K·C) float64 with the features of the n cells of a block.
        Without one, the plain code measures.
    group
        What the names of columns say in place of `name`.
    """
    width = len(definitions)

    def measure_compiled(batch: Batch, region: Region, *, kernel: Callable[[Block, FloatArray], None]) -> FloatArray:
        check_fit(batch, region)
        out = np.empty((len(batch), len(batch.channels) * width))
        for block in blocks(batch, region):
            kernel(block, out[block.cells])
        return out

    def measure_plain(batch: Batch, region: Region) -> FloatArray:
        channels = range(len(batch.channels))
        rows = [np.concatenate([plain(cell.channel(number)) for number in channels]) for cell in cells(batch, region)]
        return np.array(rows, dtype=np.float64).reshape(len(batch), len(channels) * width)

    register(
        Family(
            name=name,
            profile=profile,
            description=description,
            columns=_per_channel(group or name, profile=profile, definitions=definitions),
            measure=measure_plain if kernel is None else partial(measure_compiled, kernel=kernel),
            frame=frame,
            optional=optional,
            plain=None if kernel is None else measure_plain,
            module=plain.__module__,
        )
    )


def register_per_level_image(
    *,
    name: str,
    description: str,
    definitions: Sequence[FeatureDef],
    kernel: Callable[[LevelImages, FloatArray], None],
    plain: MeasureLevels,
) -> None:
    """Register an optional family of profile ``standard`` that looks at the grey levels of each channel of a region.

    Parameters
    ----------
    name, description, definitions, kernel, plain
        As of `register_per_channel`, but given the level images. Values are NaN where a region is empty or holds a
        pixel that is no number.
    """

    def of_block(block: Block, out: FloatArray) -> None:
        from tasks.features.kernels.level_images import level_images

        kernel(level_images(block), out)

    def of_cell(cell: ChannelCell) -> FloatArray:
        from tasks.features.plain.levels import measure_levels

        return measure_levels(cell, plain, definitions=definitions)

    of_cell.__module__ = plain.__module__  # whose code it is
    register_per_channel(
        name=name, description=description, definitions=definitions, kernel=of_block, plain=of_cell, optional=True
    )


def register_per_mask(
    *,
    name: str,
    description: str,
    definitions: Sequence[FeatureDef],
    kernel: Callable[[Region, FloatArray], None],
    plain: Callable[[BoolArray, Region], FloatArray],
    profile: Profile = "standard",
    optional: bool = False,
) -> None:
    """Register a family that measures masks, whatever their pixels: one of all channels where they share the region.

    Parameters
    ----------
    name, profile, description, definitions, optional
        As of `register_per_channel`, K being the features of a mask.
    kernel
        Fills (N, K·P) float64 with the features of the P masks of the N cells of a region.
    plain
        Measures one mask (H, W) of the region; (K,) float64.
    """

    def measure(batch: Batch, region: Region) -> FloatArray:
        check_fit(batch, region)
        out = np.empty((len(batch), region.masks.n_channels * len(definitions)))
        kernel(region, out)
        return out

    def measure_plain(batch: Batch, region: Region) -> FloatArray:
        rows = [np.concatenate([plain(mask, region) for mask in cell.masks]) for cell in cells(batch, region)]
        return np.array(rows, dtype=np.float64).reshape(len(batch), region.masks.n_channels * len(definitions))

    of_channels = _per_channel(name, profile=profile, definitions=definitions)

    def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
        if not region.shared:
            return of_channels(region=region, channels=channels)
        published = "{}_combined" if profile == "scip" else ""
        return tuple(
            feature.column(family=name, region=region, scip=published.format(feature.scip)) for feature in definitions
        )

    register(
        Family(
            name=name,
            profile=profile,
            description=description,
            columns=columns,
            measure=measure,
            optional=optional,
            plain=measure_plain,
            module=plain.__module__,
        )
    )


def _per_channel(family: str, *, profile: Profile, definitions: Sequence[FeatureDef]) -> DescribeColumns:
    """Describe the columns of each channel; only profile ``scip`` has the published system's names."""

    def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
        prefix = "combined_" if region.combined else ""
        return tuple(
            feature.column(
                family=family,
                region=region,
                channels=(channel,),
                scip=f"{prefix}{feature.scip}_{channel}" if profile == "scip" else "",
            )
            for channel in channels
            for feature in definitions
        )

    return columns
