"""Family ``intensity``, of a region and its rim, in both profiles; and ``raw``, of the whole frame of a stamp."""

from collections.abc import Callable, Sequence

import numpy as np

from tasks.core.types import FloatArray
from tasks.features.blocks import Block
from tasks.features.cells import ChannelCell
from tasks.features.definitions.intensity import LAYOUT, RAW, SCIP, STANDARD
from tasks.features.family import FeatureDef
from tasks.features.register import register_per_channel


def _kernel(definitions: Sequence[FeatureDef], *, zero_if_empty: bool = False) -> Callable[[Block, FloatArray], None]:
    """Make the kernel of some of the statistics; those of an empty mask are 0 where `zero_if_empty`, else NaN."""
    indices = np.array([LAYOUT.index(feature.stat) for feature in definitions], dtype=np.int64)

    def kernel(block: Block, out: FloatArray) -> None:
        from tasks.features.kernels.intensity import measure_intensity

        measure_intensity(
            block.counts,
            block.reals,
            block.integral,
            block.masks,
            block.shapes,
            block.n_masks,
            block.background,
            indices,
            zero_if_empty,
            out,
        )

    return kernel


def _plain_standard(cell: ChannelCell) -> FloatArray:
    from tasks.features.plain.intensity import intensity

    return intensity(cell.pixels, mask=cell.mask, background=cell.background)


def _plain_scip(cell: ChannelCell) -> FloatArray:
    from tasks.features.plain.intensity import published_intensity

    return published_intensity(cell.pixels, mask=cell.mask, background=cell.background)


def _plain_raw(cell: ChannelCell) -> FloatArray:
    from tasks.features.plain.statistics import statistics

    return statistics(cell.pixels[cell.mask])


register_per_channel(
    name="intensity",
    description="Intensity in a region and in its rim, as it is and less the background.",
    definitions=STANDARD,
    kernel=_kernel(STANDARD),
    plain=_plain_standard,
)
register_per_channel(
    name="intensity",
    description="Intensity in a region and in its rim, as it is and less the background.",
    profile="scip",
    definitions=SCIP,
    kernel=_kernel(SCIP, zero_if_empty=True),
    plain=_plain_scip,
)
register_per_channel(
    name="raw",
    description="The eleven statistics of the whole frame of a stamp, as the published system adds them to its masks.",
    profile="scip",
    definitions=RAW,
    kernel=_kernel(RAW),
    plain=_plain_raw,
    group="intensity",
    frame=True,
)
