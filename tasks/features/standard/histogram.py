"""Family ``histogram``: the 23 features of the IBSI's intensity histogram."""

import numpy as np

from tasks.core.types import Batch, FloatArray, Region
from tasks.features.cooccurrence import LEVELS
from tasks.features.family import register
from tasks.features.histogram import histogram_statistics
from tasks.features.histogram_terms import histogram_terms
from tasks.features.kernels.histogram import measure_histogram
from tasks.features.kernels.level_images import level_stacks
from tasks.features.standard.levels import GREY, IBSI, IN_LEVELS, describe, measure_levels

FAMILY = "histogram"

TERMS = histogram_terms(reference=IBSI, where=IN_LEVELS, invariances=GREY)

columns = describe(FAMILY, TERMS)


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure the histogram of each channel's levels in plain code; (N, 23·C) float64."""
    return measure_levels(
        batch,
        region,
        number=len(TERMS),
        one=lambda levels: histogram_statistics(levels[levels > 0], number=LEVELS),
    )


@register(name=FAMILY, profile="standard", columns=columns, optional=True, plain=measure_plain)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the histogram of each channel's levels; (N, 23·C) float64."""
    found = np.empty((len(batch), len(batch.channels) * len(TERMS)))
    for stack in level_stacks(batch, region):
        measure_histogram(stack.levels, stack.shapes, stack.boxes, stack.areas, found[stack.cells])
    return found
