"""Grey-level co-occurrence as the IBSI and Haralick define it: pairs of levels, and what is derived from them."""

import numpy as np

from tasks.core.types import FloatArray, IntArray
from tasks.features.definitions.pairs import GLCM_DISTANCE, HARALICK_DISTANCE, HARALICK_PLACES, MEASURES
from tasks.features.definitions.texture import DIRECTIONS
from tasks.features.plain.levels import mean_known


def pairs_of_levels(levels: IntArray, *, number: int, distance: int) -> IntArray:
    """Count the pairs of grey levels at a distance, for each direction by itself.

    Parameters
    ----------
    levels
        (H, W) int64, 1 to `number` in the region, 0 outside.
    number
        Ng, the number of grey levels.
    distance
        Chebyshev distance in pixels: a step (1, 1) becomes (distance, distance).

    Returns
    -------
    IntArray
        (4, Ng, Ng) int64, in the order of `DIRECTIONS`; symmetric, for each pair is counted in both directions. Pairs
        of which a pixel lies outside the region do not count.

    Examples
    --------
    >>> pairs_of_levels(np.array([[1, 2, 2]]), number=2, distance=1)[0].tolist()
    [[0, 1], [1, 2]]
    """
    height, width = levels.shape
    counts = np.zeros((len(DIRECTIONS), number + 1, number + 1), dtype=np.int64)
    for direction, step in enumerate(DIRECTIONS):
        down, right = distance * step[0], distance * step[1]
        rows, columns = max(height - down, 0), max(width - abs(right), 0)
        left_1, left_2 = max(-right, 0), max(right, 0)
        first = levels[:rows, left_1 : left_1 + columns].ravel()
        second = levels[down : down + rows, left_2 : left_2 + columns].ravel()
        np.add.at(counts[direction], (first, second), 1)
    inside = counts[:, 1:, 1:]
    return inside + inside.transpose(0, 2, 1)


def pair_measures(counts: IntArray) -> FloatArray:
    """Derive the 25 co-occurrence features of the IBSI from the symmetric counts of one direction.

    With p(i, j) the counts over their sum, i and j from 1 to Ng, p(i) the margin, p₋(k) the probability of |i − j| = k,
    p₊(k) that of i + j = k, all logarithms of base 2, and 0·log 0 = 0:

    - joint maximum max p, average μ = Σ i p, variance Σ (i − μ)² p, entropy −Σ p log p;
    - difference average Σ k p₋(k), variance Σ (k − average)² p₋(k), entropy −Σ p₋ log p₋; the same of p₊ for sums;
    - angular second moment Σ p², contrast Σ (i − j)² p, dissimilarity Σ |i − j| p;
    - inverse difference Σ p/(1 + |i − j|), normalised Σ p/(1 + |i − j|/Ng), moment Σ p/(1 + (i − j)²), normalised
      moment Σ p/(1 + (i − j)²/Ng²), inverse variance Σ p/(i − j)² over i ≠ j;
    - correlation Σ (i − μ)(j − μ) p/σ², autocorrelation Σ i j p; cluster tendency, shade and prominence
      Σ (i + j − 2μ)ⁿ p with n = 2, 3, 4;
    - first and second information correlation (HXY − HXY1)/HX and √(1 − exp(−2 (HXY2 − HXY))) with HXY the joint
      entropy, HX that of the margin, HXY1 = −Σ p(i, j) log p(i) p(j), HXY2 = −Σ p(i) p(j) log p(i) p(j).

    Parameters
    ----------
    counts
        (Ng, Ng) int64, symmetric.

    Returns
    -------
    FloatArray
        (25,) float64 in the order of `MEASURES`. All NaN where there is no pair; the correlation and the first
        information correlation NaN where all levels are equal, for they divide by their spread.

    References
    ----------
    Zwanenburg et al., Image biomarker standardisation initiative, reference manual, arXiv:1612.07003, section 3.6.
    """
    total = int(counts.sum())
    if not total:
        return np.full(len(MEASURES), np.nan)
    number = len(counts)
    i, j = np.indices(counts.shape) + 1
    p, step = counts / total, np.abs(i - j)
    margin = p.sum(axis=1)
    # divided last, so that equal levels have no variance
    mean = int((i * counts).sum()) / total
    variance = float(((i - mean) ** 2 * p).sum())
    spread = np.count_nonzero(margin) > 1
    differences: IntArray = np.bincount(step.ravel(), weights=counts.ravel()).astype(np.int64)
    sums: IntArray = np.bincount((i + j).ravel(), weights=counts.ravel()).astype(np.int64)
    joint, single = entropy(p), entropy(margin)
    product = np.outer(margin, margin)
    logs = np.log2(np.where(product > 0, product, 1.0))
    between = float(-(product * logs).sum() - joint)
    centred = i + j - 2 * mean
    return np.array(
        [
            p.max(),
            mean,
            variance,
            joint,
            *_distribution(differences),
            *_distribution(sums),
            (p**2).sum(),
            (step**2 * p).sum(),
            (step * p).sum(),
            (p / (1 + step)).sum(),
            (p / (1 + step / number)).sum(),
            (p / (1 + step**2)).sum(),
            (p / (1 + step**2 / number**2)).sum(),
            (p[step > 0] / step[step > 0] ** 2).sum(),
            ((i - mean) * (j - mean) * p).sum() / variance if spread else np.nan,
            (i * j * p).sum(),
            (centred**2 * p).sum(),
            (centred**3 * p).sum(),
            (centred**4 * p).sum(),
            (joint + (p * logs).sum()) / single if spread else np.nan,
            # rounding may take the difference, which is never negative, below zero
            np.sqrt(1 - np.exp(-2 * max(between, 0.0))),
        ]
    )


def entropy(p: FloatArray) -> float:
    """−Σ p log₂ p over the probabilities that are not zero.

    Examples
    --------
    >>> entropy(np.array([0.5, 0.5, 0.0]))
    1.0
    """
    some = p[p > 0]
    return float(-(some * np.log2(some)).sum())


def _distribution(counts: IntArray) -> tuple[float, float, float]:
    """Average, variance and entropy of the places of counts."""
    values, total = np.arange(len(counts)), int(counts.sum())
    mean = int((values * counts).sum()) / total
    return mean, float(((values - mean) ** 2 * counts).sum()) / total, entropy(counts / total)


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
        (25,) float64 in the order of `MEASURES`. A direction without a pair, or where a feature is
        not defined, is left out; NaN where none is left: all features of a region without neighbouring pixels, the
        correlation and the first information correlation of a region of one level.
    """
    counts = pairs_of_levels(levels, number=number, distance=GLCM_DISTANCE)
    return mean_known(np.array([pair_measures(matrix) for matrix in counts]))


def haralick(levels: IntArray, *, number: int, distance: int = HARALICK_DISTANCE) -> FloatArray:
    """Measure Haralick's 13 features, their mean and range over four directions, as he proposed to use them.

    The definitions are those of `pair_measures`: levels count from 1, logarithms are of base 2.
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
        (26,) float64: 13 means, then 13 ranges, in the order of `HARALICK_NAMES`. A direction without a pair, or where
        a feature is not defined, is left out; NaN where none is left.
    """
    counts = pairs_of_levels(levels, number=number, distance=distance)
    per_direction = np.array([pair_measures(matrix)[list(HARALICK_PLACES)] for matrix in counts])
    known = ~np.isnan(per_direction)
    ranges = np.where(known, per_direction, -np.inf).max(axis=0) - np.where(known, per_direction, np.inf).min(axis=0)
    return np.concatenate([mean_known(per_direction), np.where(known.any(axis=0), ranges, np.nan)])
