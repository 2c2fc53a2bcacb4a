"""Family ``haralick``: Haralick's 13 features at distance 3, their mean and range over four directions."""

import numpy as np

from tasks.core.types import Batch, FloatArray, IntArray, Region
from tasks.features.cooccurrence import LEVELS
from tasks.features.family import Term, register
from tasks.features.kernels.level_images import level_stacks
from tasks.features.kernels.pairs import measure_pairs
from tasks.features.pairs import MEASURES, pair_measures, pairs_of_levels
from tasks.features.standard.glcm import TEXTS
from tasks.features.standard.levels import GREY, IN_LEVELS, describe, mean_known, measure_levels
from tasks.features.texture_terms import HARALICK

FAMILY = "haralick"

DISTANCE = 3
"""Chebyshev distance of the pixels of a pair, as CellProfiler has it by default."""

NAMES = {
    "angular_second_moment": "angular_second_moment",
    "contrast": "contrast",
    "correlation": "correlation",
    "variance": "joint_variance",
    "inverse_difference_moment": "inverse_difference_moment",
    "sum_average": "sum_average",
    "sum_variance": "sum_variance",
    "sum_entropy": "sum_entropy",
    "entropy": "joint_entropy",
    "difference_variance": "difference_variance",
    "difference_entropy": "difference_entropy",
    "info_meas1": "information_correlation_1",
    "info_meas2": "information_correlation_2",
}
"""Haralick's features in his order, as CellProfiler spells them, and which of the IBSI's they are."""

PLACES = np.array([MEASURES.index(name) for name in NAMES.values()], dtype=np.int64)

TERMS = tuple(
    Term(
        stat=f"{name}{suffix}",
        param=f"d{DISTANCE}",
        unit="1",
        definition=(
            f"{over} over four directions of {TEXTS[measure][1]}, of the frequencies p of the pairs of levels i and j "
            f"of pixels {DISTANCE} px apart, {IN_LEVELS}."
        ),
        reference=f"{HARALICK}, f{order}",
        invariances=GREY,
    )
    for suffix, over in (("", "Mean"), ("_range", "Largest less smallest value"))
    for order, (name, measure) in enumerate(NAMES.items(), start=1)
)

columns = describe(FAMILY, TERMS)


def haralick(levels: IntArray, *, number: int, distance: int = DISTANCE) -> FloatArray:
    """Measure Haralick's 13 features, their mean and range over four directions, as he proposed to use them.

    The definitions are those of `tasks.features.pairs.pair_measures`: levels count from 1, logarithms are of base 2.
    Where the paper is ambiguous or at odds with itself they follow the IBSI: the sum variance is about the sum average
    (the paper prints the sum entropy), the difference variance is that of |i − j| (and not that of its frequencies).

    CellProfiler, which measures with mahotas, differs in this: the levels are the values of the image in 8 bits, of
    which 0 counts as outside, instead of 16 of the region's range; the difference variance is that of the frequencies
    of |i − j|; the correlation of equal levels is 1; there is one column for each direction.

    Parameters
    ----------
    levels
        (H, W) int64, 1 to `number` in the region, 0 outside.
    number
        Number of grey levels.
    distance
        Chebyshev distance of the pixels of a pair.

    Returns
    -------
    FloatArray
        (26,) float64: 13 means, then 13 ranges, in the order of `NAMES`. A direction without a pair, or where a feature
        is not defined, is left out; NaN where none is left.
    """
    counts = pairs_of_levels(levels, number=number, distance=distance)
    each = np.array([pair_measures(one)[PLACES] for one in counts])
    known = ~np.isnan(each)
    ranges = np.where(known, each, -np.inf).max(axis=0) - np.where(known, each, np.inf).min(axis=0)
    return np.concatenate([mean_known(each), np.where(known.any(axis=0), ranges, np.nan)])


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure Haralick's features of each channel in plain code; (N, 26·C) float64."""
    return measure_levels(batch, region, number=len(TERMS), one=lambda levels: haralick(levels, number=LEVELS))


@register(name=FAMILY, profile="standard", columns=columns, optional=True, plain=measure_plain)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure Haralick's features of each channel; (N, 26·C) float64."""
    found = np.empty((len(batch), len(batch.channels) * len(TERMS)))
    for stack in level_stacks(batch, region):
        measure_pairs(stack.levels, stack.shapes, stack.boxes, stack.areas, DISTANCE, PLACES, True, found[stack.cells])  # noqa: FBT003
    return found
