"""Family ``shape``: a mask as one object (profile ``standard``), or the mean of its components (profile ``scip``)."""

from collections.abc import Callable, Sequence

import numpy as np

from tasks.core.types import BoolArray, FloatArray, Region
from tasks.features.definitions.shape import LAYOUT, SCIP, SILENT, STANDARD
from tasks.features.family import FeatureDef
from tasks.features.register import register_per_mask


def _kernel(definitions: Sequence[FeatureDef], *, apart: bool) -> Callable[[Region, FloatArray], None]:
    indices = np.array([LAYOUT.index((feature.stat, feature.param)) for feature in definitions], dtype=np.int64)

    def kernel(region: Region, out: FloatArray) -> None:
        from tasks.core.kernels.bits import stream_of
        from tasks.features.kernels.shape import measure_shape

        empty = _empty(shared=region.shared) if apart else np.full(len(definitions), np.nan)
        measure_shape(
            stream_of(region.masks.flat), region.masks.shapes, region.masks.n_channels, indices, apart, empty, out
        )

    return kernel


def _empty(*, shared: bool) -> FloatArray:
    """Features of profile ``scip`` of an empty mask: NaN, but 0 in the first `SILENT` of a channel's own."""
    values = np.full(len(SCIP), np.nan)
    if not shared:
        values[:SILENT] = 0
    return values


def _plain_standard(mask: BoolArray, _: Region) -> FloatArray:
    from tasks.features.plain.shape import shape

    return shape(mask)


def _plain_scip(mask: BoolArray, region: Region) -> FloatArray:
    from tasks.features.plain.shape import published_shape

    return published_shape(mask) if mask.any() else _empty(shared=region.shared)


register_per_mask(
    name="shape",
    description="Shape of a region: all of its pixels as one object (standard), or the mean of its components (scip).",
    definitions=STANDARD,
    kernel=_kernel(STANDARD, apart=False),
    plain=_plain_standard,
)
register_per_mask(
    name="shape",
    description="Shape of a region: all of its pixels as one object (standard), or the mean of its components (scip).",
    profile="scip",
    definitions=SCIP,
    kernel=_kernel(SCIP, apart=True),
    plain=_plain_scip,
)
