"""The eleven statistics of the whole frame of a stamp, which the published system adds wherever it makes masks."""

import numpy as np

from tasks.core.columns import Column
from tasks.core.types import Batch, FloatArray, Region
from tasks.features.cells import cells, check_fit
from tasks.features.family import RegionInfo, register
from tasks.features.intensity_terms import view_terms
from tasks.features.kernels.intensity import LAYOUT, measure_intensity
from tasks.features.kernels.stacks import stacks
from tasks.features.statistics import statistics

FAMILY = "raw"

TERMS = tuple(view_terms(view="", place="the pixels of the region"))

_PLACES = np.array([LAYOUT.index(term.stat) for term in TERMS], dtype=np.int64)


def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
    """11 columns per channel; native names say ``intensity``, for that is what the statistics are of."""
    return tuple(
        term.column(family="intensity", region=region, channels=(channel,), scip=f"{term.scip}_{channel}")
        for channel in channels
        for term in TERMS
    )


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure the pixels of each channel inside the region in plain code; (N, 11·C) float64."""
    rows = [
        np.concatenate(
            [statistics(pixels[cell.masks[cell.plane(channel)]]) for channel, pixels in enumerate(cell.pixels)]
        )
        for cell in cells(batch, region)
    ]
    return np.array(rows, dtype=np.float64).reshape(len(batch), len(batch.channels) * len(TERMS))


@register(name=FAMILY, profile="scip", columns=columns, frame=True, plain=measure_plain)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the pixels of each channel inside the region; (N, 11·C) float64."""
    check_fit(batch, region)
    found = np.empty((len(batch), len(batch.channels) * len(TERMS)))
    for stack in stacks(batch, region):
        measure_intensity(
            stack.counts,
            stack.reals,
            stack.whole,
            stack.masks,
            stack.shapes,
            region.masks.planes,
            stack.background,
            _PLACES,
            False,  # noqa: FBT003 - what is missing is NaN
            found[stack.cells],
        )
    return found
