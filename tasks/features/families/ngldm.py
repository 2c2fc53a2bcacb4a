"""Family ``ngldm``: the 17 features of the IBSI of how many neighbours have the same level.

Aggregation: 2D; neighbourhoods have no direction. Chebyshev distance 1, coarseness 0.
"""

from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import LevelImages
from tasks.features.definitions.emphases import NGLDM
from tasks.features.register import register_per_level_image


def _kernel(images: LevelImages, out: FloatArray) -> None:
    from tasks.features.kernels.zones import DEPENDENCES, measure_matrix

    measure_matrix(*images, DEPENDENCES, len(NGLDM), out)


def _plain(levels: IntArray, *, number: int) -> FloatArray:
    from tasks.features.plain.zones import ngldm

    return ngldm(levels, number=number)


register_per_level_image(
    name="ngldm",
    description="The 17 features of the IBSI of how many neighbours have the same level.",
    definitions=NGLDM,
    kernel=_kernel,
    plain=_plain,
)
