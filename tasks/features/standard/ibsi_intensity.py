"""Family ``ibsi_intensity``: the 18 intensity-based statistics of the IBSI, of the pixels as they are.

Six of them (mean, skewness, kurtosis, median, minimum, maximum) stand in family ``intensity`` as well, where the
quartiles and the standard deviation are; ``intensity``'s ``mad`` is the median, not the mean, of |v − median|.
"""

import numpy as np

from tasks.core.types import Batch, FloatArray, Region
from tasks.features.cells import check_fit
from tasks.features.family import register
from tasks.features.histogram import intensity_statistics
from tasks.features.histogram_terms import intensity_terms
from tasks.features.kernels.ibsi_intensity import measure_statistics
from tasks.features.kernels.stacks import stacks
from tasks.features.standard.levels import IBSI, describe, measure_each

FAMILY = "ibsi_intensity"

TERMS = intensity_terms(reference=IBSI)

columns = describe(FAMILY, TERMS)


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure the intensities of each channel in plain code; (N, 18·C) float64."""
    return measure_each(batch, region, number=len(TERMS), one=lambda pixels, mask: intensity_statistics(pixels[mask]))


@register(name=FAMILY, profile="standard", columns=columns, optional=True, plain=measure_plain)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the intensities of each channel; (N, 18·C) float64."""
    check_fit(batch, region)
    found = np.empty((len(batch), len(batch.channels) * len(TERMS)))
    channels = len(batch.channels)
    for stack in stacks(batch, region):
        measure_statistics(
            stack.counts,
            stack.reals,
            stack.whole,
            stack.masks,
            stack.shapes,
            region.masks.planes,
            channels,
            found[stack.cells],
        )
    return found
