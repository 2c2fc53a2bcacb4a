"""Family ``radial_zernike``: Zernike moments of the intensities in a region."""

from tasks.core.types import FloatArray
from tasks.features.blocks import Block
from tasks.features.cells import ChannelCell
from tasks.features.definitions.zernike import RADIAL_ZERNIKE
from tasks.features.register import register_per_channel


def _kernel(block: Block, out: FloatArray) -> None:
    from tasks.features.kernels.zernike import measure_radial_zernike

    measure_radial_zernike(block.counts, block.reals, block.masks, block.shapes, block.n_masks, block.channels, out)


def _plain(cell: ChannelCell) -> FloatArray:
    from tasks.features.plain.zernike import radial_zernike

    return radial_zernike(cell.pixels, mask=cell.mask)


register_per_channel(
    name="radial_zernike",
    description="Zernike moments of the intensities in a region.",
    definitions=RADIAL_ZERNIKE,
    kernel=_kernel,
    plain=_plain,
    optional=True,
)
