"""Family ``glcm``: the 25 co-occurrence features of the IBSI at distance 1.

Aggregation: 2D, averaged. Each feature is computed from the pairs of one direction, and averaged over the four
directions; a direction in which a feature is not defined is left out.
"""

import numpy as np

from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import LevelImages
from tasks.features.definitions.pairs import GLCM, GLCM_DISTANCE
from tasks.features.register import register_per_level_image

_PLACES = np.arange(len(GLCM))


def _kernel(images: LevelImages, out: FloatArray) -> None:
    from tasks.features.kernels.pairs import measure_pairs

    measure_pairs(*images, GLCM_DISTANCE, _PLACES, False, out)  # noqa: FBT003 - no ranges


def _plain(levels: IntArray, *, number: int) -> FloatArray:
    from tasks.features.plain.pairs import glcm

    return glcm(levels, number=number)


register_per_level_image(
    name="glcm",
    description="The 25 co-occurrence features of the IBSI at distance 1.",
    definitions=GLCM,
    kernel=_kernel,
    plain=_plain,
)
