"""Family ``zernike``: Zernike moments of a region's shape."""

import numpy as np

from tasks.core.types import BoolArray, FloatArray, Region
from tasks.features.definitions.zernike import ZERNIKE
from tasks.features.register import register_per_mask


def _kernel(region: Region, out: FloatArray) -> None:
    from tasks.core.kernels.bits import stream_of
    from tasks.features.kernels.zernike import measure_zernike

    shapes = np.ascontiguousarray(region.masks.shapes, dtype=np.int64)
    measure_zernike(stream_of(region.masks.flat), shapes, region.masks.n_channels, out)


def _plain(mask: BoolArray, _: Region) -> FloatArray:
    from tasks.features.plain.zernike import zernike

    return zernike(mask)


register_per_mask(
    name="zernike",
    description="Zernike moments of a region's shape.",
    definitions=ZERNIKE,
    kernel=_kernel,
    plain=_plain,
    optional=True,
)
