"""Family ``histogram``: the 23 features of the IBSI's intensity histogram."""

from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import LevelImages
from tasks.features.definitions.histogram import HISTOGRAM_DEFS
from tasks.features.register import register_per_level_image


def _kernel(images: LevelImages, out: FloatArray) -> None:
    from tasks.features.kernels.histogram import measure_histogram

    measure_histogram(*images, out)


def _plain(levels: IntArray, *, number: int) -> FloatArray:
    from tasks.features.plain.histogram import histogram_statistics

    return histogram_statistics(levels[levels > 0], number=number)


register_per_level_image(
    name="histogram",
    description="The 23 features of the IBSI's intensity histogram.",
    definitions=HISTOGRAM_DEFS,
    kernel=_kernel,
    plain=_plain,
)
