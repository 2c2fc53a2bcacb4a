"""Family ``glrlm``: the 16 run-length features of the IBSI.

Aggregation: 2D, averaged over four directions.
"""

from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import LevelImages
from tasks.features.definitions.emphases import GLRLM
from tasks.features.register import register_per_level_image


def _kernel(images: LevelImages, out: FloatArray) -> None:
    from tasks.features.kernels.zones import RUNS, measure_matrix

    measure_matrix(*images, RUNS, len(GLRLM), out)


def _plain(levels: IntArray, *, number: int) -> FloatArray:
    from tasks.features.plain.zones import glrlm

    return glrlm(levels, number=number)


register_per_level_image(
    name="glrlm", description="The 16 run-length features of the IBSI.", definitions=GLRLM, kernel=_kernel, plain=_plain
)
