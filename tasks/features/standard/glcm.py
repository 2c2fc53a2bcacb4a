"""Family ``glcm``: the 25 co-occurrence features of the IBSI at distance 1.

Aggregation: 2D, averaged. Each feature is computed from the pairs of one direction, and averaged over the four
directions; a direction in which a feature is not defined is left out.
"""

import numpy as np

from tasks.core.types import Batch, FloatArray, IntArray, Region
from tasks.features.cooccurrence import LEVELS
from tasks.features.family import Term, register
from tasks.features.kernels.level_images import level_stacks
from tasks.features.kernels.pairs import measure_pairs
from tasks.features.pairs import MEASURES, pair_measures, pairs_of_levels
from tasks.features.standard.levels import GREY, IBSI, IN_LEVELS, describe, mean_known, measure_levels

FAMILY = "glcm"

DISTANCE = 1
"""Chebyshev distance of the pixels of a pair."""

TEXTS = {
    "joint_maximum": ("GYBY", "the largest frequency max p"),
    "joint_average": ("60VM", "the average level Σ i p = μ"),
    "joint_variance": ("UR99", "the variance Σ (i − μ)² p"),
    "joint_entropy": ("TU9B", "the entropy −Σ p log2 p"),
    "difference_average": ("TF7R", "the average Σ k p₋(k), p₋ the frequencies of |i − j|"),
    "difference_variance": ("D3YU", "the variance of |i − j|"),
    "difference_entropy": ("NTRS", "the entropy −Σ p₋ log2 p₋, p₋ the frequencies of |i − j|"),
    "sum_average": ("ZGXS", "the average Σ k p₊(k), p₊ the frequencies of i + j"),
    "sum_variance": ("OEEB", "the variance of i + j"),
    "sum_entropy": ("P6QZ", "the entropy −Σ p₊ log2 p₊, p₊ the frequencies of i + j"),
    "angular_second_moment": ("8ZQL", "the angular second moment Σ p²"),
    "contrast": ("ACUI", "the contrast Σ (i − j)² p"),
    "dissimilarity": ("8S9J", "the dissimilarity Σ |i − j| p"),
    "inverse_difference": ("IB1Z", "Σ p/(1 + |i − j|)"),
    "inverse_difference_normalised": ("NDRX", f"Σ p/(1 + |i − j|/{LEVELS})"),
    "inverse_difference_moment": ("WF0Z", "Σ p/(1 + (i − j)²)"),
    "inverse_difference_moment_normalised": ("1QCO", f"Σ p/(1 + (i − j)²/{LEVELS}²)"),
    "inverse_variance": ("E8JP", "Σ p/(i − j)² over i ≠ j"),
    "correlation": ("NI2N", "the correlation Σ (i − μ)(j − μ) p/σ², μ and σ² the mean and variance of a level"),
    "autocorrelation": ("QWB0", "Σ i j p"),
    "cluster_tendency": ("DG8W", "Σ (i + j − 2μ)² p, μ the mean level"),
    "cluster_shade": ("7NFM", "Σ (i + j − 2μ)³ p, μ the mean level"),
    "cluster_prominence": ("AE86", "Σ (i + j − 2μ)⁴ p, μ the mean level"),
    "information_correlation_1": (
        "R8DG",
        "(HXY − HXY1)/HX, HXY and HX the joint and single entropy, HXY1 = −Σ p(i, j) log2 p(i) p(j)",
    ),
    "information_correlation_2": (
        "JN9H",
        "√(1 − exp(−2 (HXY2 − HXY))), HXY the joint entropy, HXY2 = −Σ p(i) p(j) log2 p(i) p(j)",
    ),
}
"""IBSI code and formula of each measure, p(i, j) being the frequency of a pair of levels i and j."""

PLACES = np.arange(len(MEASURES))

TERMS = tuple(
    Term(
        stat=name,
        param=f"d{DISTANCE}",
        unit="1",
        definition=(
            f"Mean over four directions of {TEXTS[name][1]}, of the frequencies p of the pairs of levels i and j of "
            f"pixels {DISTANCE} px apart, {IN_LEVELS}."
        ),
        reference=f"{IBSI}, {TEXTS[name][0]}",
        invariances=GREY,
    )
    for name in MEASURES
)

columns = describe(FAMILY, TERMS)


def glcm(levels: IntArray, *, number: int) -> FloatArray:
    """Measure co-occurrence at distance 1, averaged over four directions.

    Parameters
    ----------
    levels
        (H, W) int64, 1 to `number` in the region, 0 outside.
    number
        Number of grey levels.

    Returns
    -------
    FloatArray
        (25,) float64 in the order of `tasks.features.pairs.MEASURES`. A direction without a pair, or where a feature is
        not defined, is left out; NaN where none is left: all features of a region without neighbouring pixels, the
        correlation and the first information correlation of a region of one level.
    """
    counts = pairs_of_levels(levels, number=number, distance=DISTANCE)
    return mean_known(np.array([pair_measures(one) for one in counts]))


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure the co-occurrence of each channel in plain code; (N, 25·C) float64."""
    return measure_levels(batch, region, number=len(TERMS), one=lambda levels: glcm(levels, number=LEVELS))


@register(name=FAMILY, profile="standard", columns=columns, optional=True, plain=measure_plain)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the co-occurrence of each channel; (N, 25·C) float64."""
    found = np.empty((len(batch), len(batch.channels) * len(TERMS)))
    for stack in level_stacks(batch, region):
        measure_pairs(stack.levels, stack.shapes, stack.boxes, stack.areas, DISTANCE, PLACES, False, found[stack.cells])  # noqa: FBT003
    return found
