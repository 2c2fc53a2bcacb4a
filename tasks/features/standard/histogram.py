"""Family ``histogram``: the 23 features of the IBSI's intensity histogram."""

from tasks.core.types import Batch, FloatArray, Region
from tasks.features.cooccurrence import LEVELS
from tasks.features.family import register
from tasks.features.histogram import histogram_statistics
from tasks.features.histogram_terms import histogram_terms
from tasks.features.standard.levels import GREY, IBSI, IN_LEVELS, describe, measure_levels

FAMILY = "histogram"

TERMS = histogram_terms(reference=IBSI, where=IN_LEVELS, invariances=GREY)

columns = describe(FAMILY, TERMS)


@register(name=FAMILY, profile="standard", columns=columns, optional=True)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the histogram of each channel's levels; (N, 23·C) float64."""
    return measure_levels(
        batch,
        region,
        number=len(TERMS),
        one=lambda levels: histogram_statistics(levels[levels > 0], number=LEVELS),
    )
