"""Family ``ibsi_intensity``: the 18 intensity-based statistics of the IBSI, of the pixels as they are."""

from tasks.core.types import FloatArray
from tasks.features.blocks import Block
from tasks.features.cells import ChannelCell
from tasks.features.definitions.histogram import IBSI_INTENSITY_DEFS
from tasks.features.register import register_per_channel


def _kernel(block: Block, out: FloatArray) -> None:
    from tasks.features.kernels.ibsi_intensity import measure_statistics

    measure_statistics(
        block.counts, block.reals, block.integral, block.masks, block.shapes, block.n_masks, block.channels, out
    )


def _plain(cell: ChannelCell) -> FloatArray:
    from tasks.features.plain.histogram import intensity_statistics
    from tasks.features.plain.levels import measure_pixels

    return measure_pixels(
        cell, lambda pixels, mask: intensity_statistics(pixels[mask]), definitions=IBSI_INTENSITY_DEFS
    )


register_per_channel(
    name="ibsi_intensity",
    description="The 18 intensity-based statistics of the IBSI, of the pixels as they are.",
    definitions=IBSI_INTENSITY_DEFS,
    kernel=_kernel,
    plain=_plain,
    optional=True,
)
