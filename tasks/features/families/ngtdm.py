"""Family ``ngtdm``: the five features of the IBSI of how levels differ from the mean of their neighbours.

Aggregation: 2D; neighbourhoods have no direction. Chebyshev distance 1.
"""

from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import LevelImages
from tasks.features.definitions.ngtdm import NGTDM
from tasks.features.register import register_per_level_image


def _kernel(images: LevelImages, out: FloatArray) -> None:
    from tasks.features.kernels.tone_differences import measure_tones

    measure_tones(*images, out)


def _plain(levels: IntArray, *, number: int) -> FloatArray:
    from tasks.features.plain.tone_differences import tone_differences

    return tone_differences(levels, number=number)


register_per_level_image(
    name="ngtdm",
    description="The five features of the IBSI of how levels differ from the mean of their neighbours.",
    definitions=NGTDM,
    kernel=_kernel,
    plain=_plain,
)
