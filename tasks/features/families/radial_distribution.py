"""Family ``radial_distribution``: how the intensity lies between the centre of a region and its edge."""

from tasks.core.types import FloatArray
from tasks.features.blocks import Block
from tasks.features.cells import ChannelCell
from tasks.features.definitions.radial_distribution import RADIAL_DISTRIBUTION
from tasks.features.register import register_per_channel


def _kernel(block: Block, out: FloatArray) -> None:
    from tasks.features.kernels.radial import measure_radial

    measure_radial(block.counts, block.reals, block.masks, block.shapes, block.n_masks, block.channels, out)


def _plain(cell: ChannelCell) -> FloatArray:
    from tasks.features.plain.radial_distribution import radial_distribution

    return radial_distribution(cell.pixels, mask=cell.mask)


register_per_channel(
    name="radial_distribution",
    description="How the intensity lies between the centre of a region and its edge.",
    definitions=RADIAL_DISTRIBUTION,
    kernel=_kernel,
    plain=_plain,
    optional=True,
)
