"""Family ``ngtdm``: the five features of the IBSI of how levels differ from the mean of their neighbours.

Aggregation: 2D; neighbourhoods have no direction. Chebyshev distance 1.
"""

import numpy as np

from tasks.core.types import Batch, FloatArray, Region
from tasks.features.cooccurrence import LEVELS
from tasks.features.family import Term, register
from tasks.features.kernels.level_images import level_stacks
from tasks.features.kernels.tone_differences import measure_tones
from tasks.features.standard.levels import GREY, IBSI, IN_LEVELS, describe, measure_levels
from tasks.features.tone_differences import MEASURES, tone_differences

FAMILY = "ngtdm"

TEXTS = {
    "coarseness": ("QCDE", "1/Σ pᵢ sᵢ"),
    "contrast": ("65HE", "(Σᵢ Σⱼ pᵢ pⱼ (i − j)²)/(m (m − 1)) · (Σ sᵢ)/n, m the number of levels with pᵢ > 0"),
    "busyness": ("NQ30", "(Σ pᵢ sᵢ)/(Σᵢ Σⱼ |i pᵢ − j pⱼ|)"),
    "complexity": ("HDEZ", "(Σᵢ Σⱼ |i − j| (pᵢ sᵢ + pⱼ sⱼ)/(pᵢ + pⱼ))/n"),
    "strength": ("1X9X", "(Σᵢ Σⱼ (pᵢ + pⱼ)(i − j)²)/(Σ sᵢ)"),
}
"""IBSI code and formula of each feature."""

TERMS = tuple(
    Term(
        stat=name,
        unit="1",
        definition=(
            f"{name.capitalize()} {TEXTS[name][1]}, pᵢ the share of level i among the n pixels with neighbours in the "
            f"region, sᵢ the sum over its pixels of |i − mean level of the up to eight neighbours|, {IN_LEVELS}."
        ),
        reference=f"{IBSI}, {TEXTS[name][0]}",
        invariances=GREY,
    )
    for name in MEASURES
)

columns = describe(FAMILY, TERMS)


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure the differences of each channel's levels from their neighbours in plain code; (N, 5·C) float64."""
    return measure_levels(batch, region, number=len(TERMS), one=lambda levels: tone_differences(levels, number=LEVELS))


@register(name=FAMILY, profile="standard", columns=columns, optional=True, plain=measure_plain)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the differences of each channel's levels from their neighbours; (N, 5·C) float64."""
    found = np.empty((len(batch), len(batch.channels) * len(TERMS)))
    for stack in level_stacks(batch, region):
        measure_tones(stack.levels, stack.shapes, stack.boxes, stack.areas, found[stack.cells])
    return found
