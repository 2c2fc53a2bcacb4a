"""Family ``glszm``: the 16 size-zone features of the IBSI.

Aggregation: 2D; zones have no direction.
"""

from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import LevelImages
from tasks.features.definitions.emphases import GLSZM
from tasks.features.register import register_per_level_image


def _kernel(images: LevelImages, out: FloatArray) -> None:
    from tasks.features.kernels.zones import SIZES, measure_matrix

    measure_matrix(*images, SIZES, len(GLSZM), out)


def _plain(levels: IntArray, *, number: int) -> FloatArray:
    from tasks.features.plain.zones import glszm

    return glszm(levels, number=number)


register_per_level_image(
    name="glszm", description="The 16 size-zone features of the IBSI.", definitions=GLSZM, kernel=_kernel, plain=_plain
)
