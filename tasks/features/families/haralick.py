"""Family ``haralick``: Haralick's 13 features at distance 3, their mean and range over four directions."""

import numpy as np

from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import LevelImages
from tasks.features.definitions.pairs import HARALICK, HARALICK_DISTANCE, HARALICK_PLACES
from tasks.features.register import register_per_level_image

_PLACES = np.array(HARALICK_PLACES, dtype=np.int64)


def _kernel(images: LevelImages, out: FloatArray) -> None:
    from tasks.features.kernels.pairs import measure_pairs

    measure_pairs(*images, HARALICK_DISTANCE, _PLACES, True, out)  # noqa: FBT003 - with ranges


def _plain(levels: IntArray, *, number: int) -> FloatArray:
    from tasks.features.plain.pairs import haralick

    return haralick(levels, number=number)


register_per_level_image(
    name="haralick",
    description="Haralick's 13 features at distance 3, their mean and range over four directions.",
    definitions=HARALICK,
    kernel=_kernel,
    plain=_plain,
)
