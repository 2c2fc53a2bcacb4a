"""Family ``ibsi_intensity``: the 18 intensity-based statistics of the IBSI, of the pixels as they are.

Six of them (mean, skewness, kurtosis, median, minimum, maximum) stand in family ``intensity`` as well, where the
quartiles and the standard deviation are; ``intensity``'s ``mad`` is the median, not the mean, of |v − median|.
"""

from tasks.core.types import Batch, FloatArray, Region
from tasks.features.family import register
from tasks.features.histogram import intensity_statistics
from tasks.features.histogram_terms import intensity_terms
from tasks.features.standard.levels import IBSI, describe, measure_each

FAMILY = "ibsi_intensity"

TERMS = intensity_terms(reference=IBSI)

columns = describe(FAMILY, TERMS)


@register(name=FAMILY, profile="standard", columns=columns, optional=True)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the intensities of each channel; (N, 18·C) float64."""
    return measure_each(batch, region, number=len(TERMS), one=lambda pixels, mask: intensity_statistics(pixels[mask]))
