"""Family ``granularity``: how much of the signal is in grains of each size."""

from tasks.core.types import FloatArray
from tasks.features.blocks import Block
from tasks.features.cells import ChannelCell
from tasks.features.definitions.granularity import GRANULARITY, SCALES
from tasks.features.register import register_per_channel


def _kernel(block: Block, out: FloatArray) -> None:
    from tasks.features.kernels.granularity import measure_granularity

    measure_granularity(
        block.counts, block.reals, block.masks, block.shapes, block.n_masks, block.background, SCALES, out
    )


def _plain(cell: ChannelCell) -> FloatArray:
    from tasks.features.plain.granularity import granularity

    return granularity(cell.pixels, mask=cell.mask, background=cell.background)


register_per_channel(
    name="granularity",
    description="How much of the signal is in grains of each size.",
    definitions=GRANULARITY,
    kernel=_kernel,
    plain=_plain,
    optional=True,
)
