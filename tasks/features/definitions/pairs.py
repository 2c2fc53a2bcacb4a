"""Grey-level co-occurrence as the IBSI and Haralick define it."""

from tasks.features.definitions.levels import GREY, IBSI, IN_LEVELS, LEVELS
from tasks.features.definitions.texture import HARALICK as PAPER
from tasks.features.family import FeatureDef

TEXTS = {
    "joint_maximum": ("GYBY", "the largest frequency max p"),
    "joint_average": ("60VM", "the average level Σ i p = μ"),
    "joint_variance": ("UR99", "the variance Σ (i − μ)² p"),
    "joint_entropy": ("TU9B", "the entropy −Σ p log2 p"),
    "difference_average": ("TF7R", "the average Σ k p₋(k) (equal to the dissimilarity), p₋ the frequencies of |i − j|"),
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
    "cluster_tendency": ("DG8W", "Σ (i + j − 2μ)² p (equal to the sum variance), μ the mean level"),
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

MEASURES = tuple(TEXTS)
"""In the order of the values."""

GLCM_DISTANCE = 1
"""Chebyshev distance of the pixels of a pair."""

GLCM = tuple(
    FeatureDef(
        stat=name,
        param=f"d{GLCM_DISTANCE}",
        unit="1",
        definition=(
            f"Mean over four directions of {TEXTS[name][1]}, of the frequencies p of the pairs of levels i and j of "
            f"pixels {GLCM_DISTANCE} px apart, {IN_LEVELS}."
        ),
        reference=f"{IBSI}, {TEXTS[name][0]}",
        invariances=GREY,
    )
    for name in MEASURES
)

HARALICK_DISTANCE = 3
"""Chebyshev distance of the pixels of a pair, as CellProfiler has it by default."""

HARALICK_NAMES = {
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

HARALICK_PLACES = tuple(MEASURES.index(name) for name in HARALICK_NAMES.values())

HARALICK = tuple(
    FeatureDef(
        stat=f"{name}{suffix}",
        param=f"d{HARALICK_DISTANCE}",
        unit="1",
        definition=(
            f"{over} over four directions of {TEXTS[measure][1]}, of the frequencies p of the pairs of levels i and j "
            f"of pixels {HARALICK_DISTANCE} px apart, {IN_LEVELS}."
        ),
        reference=f"{PAPER}, f{order}",
        invariances=GREY,
    )
    for suffix, over in (("", "Mean"), ("_range", "Largest less smallest value"))
    for order, (name, measure) in enumerate(HARALICK_NAMES.items(), start=1)
)
