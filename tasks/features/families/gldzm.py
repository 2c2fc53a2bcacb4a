"""Family ``gldzm``: the 16 distance-zone features of the IBSI.

Aggregation: 2D; zones have no direction.
"""

from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import LevelImages
from tasks.features.definitions.emphases import GLDZM
from tasks.features.register import register_per_level_image


def _kernel(images: LevelImages, out: FloatArray) -> None:
    from tasks.features.kernels.zones import DISTANCES, measure_matrix

    measure_matrix(*images, DISTANCES, len(GLDZM), out)


def _plain(levels: IntArray, *, number: int) -> FloatArray:
    from tasks.features.plain.zones import gldzm

    return gldzm(levels, number=number)


register_per_level_image(
    name="gldzm",
    description="The 16 distance-zone features of the IBSI.",
    definitions=GLDZM,
    kernel=_kernel,
    plain=_plain,
)
