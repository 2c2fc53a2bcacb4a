"""Statistics of pixels as the IBSI defines them: of intensities, and of grey levels."""

import numpy as np

from tasks.core.types import FloatArray, IntArray
from tasks.features.plain.pairs import entropy


def spread(values: FloatArray) -> FloatArray:
    """Summarise where values lie and how they spread.

    With m_k = mean((v − mean)ᵏ) and P_k the k-th percentile, linear between the two nearest ranks: mean, variance m₂,
    skewness m₃/m₂^1.5, excess kurtosis m₄/m₂² − 3, median, minimum, P₁₀, P₉₀, maximum, interquartile range P₇₅ − P₂₅,
    range, mean absolute deviation mean|v − mean|, the same of the values from P₁₀ to P₉₀ about their own mean, mean
    absolute deviation from the median mean|v − median|, coefficient of variation √m₂/mean, quartile coefficient of
    dispersion (P₇₅ − P₂₅)/(P₇₅ + P₂₅).

    Parameters
    ----------
    values
        (n,) float64, finite, at least one.

    Returns
    -------
    FloatArray
        (16,) float64 in this order. Skewness and kurtosis NaN where values differ by rounding only: m₂ ≤ (ε·mean)²; the
        ratios NaN where what they divide by is zero.
    """
    low, high = values.min(), values.max()
    # the sum of equal values is rounded, and the rounding would pass for a spread
    mean = values.mean() if low < high else low
    tenth, lower, median, upper, ninetieth = np.percentile(values, (10, 25, 50, 75, 90))
    deviation = values - mean
    variance = (deviation**2).mean()
    skewness = kurtosis = np.nan
    if low < high and variance > (np.finfo(np.float64).eps * mean) ** 2:
        # standardised before it is raised to powers, so that tiny variances do not underflow
        score = deviation / np.sqrt(variance)
        skewness, kurtosis = (score**3).mean(), (score**4).mean() - 3
    middle = values[(values >= tenth) & (values <= ninetieth)]
    # of two values neither lies between the percentiles
    robust = np.abs(middle - middle.mean()).mean() if middle.size else np.nan
    return np.array(
        [
            mean,
            variance,
            skewness,
            kurtosis,
            median,
            low,
            tenth,
            ninetieth,
            high,
            upper - lower,
            high - low,
            np.abs(deviation).mean(),
            robust,
            np.abs(values - median).mean(),
            np.sqrt(variance) / mean if mean != 0 else np.nan,
            (upper - lower) / (upper + lower) if upper + lower != 0 else np.nan,
        ]
    )


def intensity_statistics(values: FloatArray) -> FloatArray:
    """Derive the 18 intensity-based statistics of the IBSI.

    To those of `spread` come the energy Σ v² and the root mean square √(Σ v²/n).

    Parameters
    ----------
    values
        (n,) float64, finite, at least one.

    Returns
    -------
    FloatArray
        (18,) float64 in the order of `tasks.features.definitions.histogram.INTENSITY`.

    References
    ----------
    Zwanenburg et al., Image biomarker standardisation initiative, reference manual, arXiv:1612.07003, section 3.3.
    """
    energy = (values**2).sum()
    return np.array([*spread(values), energy, np.sqrt(energy / len(values))])


def histogram_statistics(levels: IntArray, *, number: int) -> FloatArray:
    """Derive the 23 statistics of the IBSI's intensity histogram.

    Those of `spread`, of the levels; and with Hᵢ the number of pixels of level i and pᵢ = Hᵢ/n: the mode, the level of
    the largest Hᵢ (of several the one nearest to the mean level, of two as near the lower); entropy −Σ pᵢ log₂ pᵢ;
    uniformity Σ pᵢ²; the largest and the smallest gradient of H, (Hᵢ₊₁ − Hᵢ₋₁)/2 and one-sided at both ends, each with
    its level, the lowest of several.

    Parameters
    ----------
    levels
        (n,) int64, from 1 to `number`, at least one.
    number
        Number of grey levels, at least 2.

    Returns
    -------
    FloatArray
        (23,) float64 in the order of `tasks.features.definitions.histogram.HISTOGRAM`.

    References
    ----------
    Zwanenburg et al., Image biomarker standardisation initiative, reference manual, arXiv:1612.07003, section 3.4.
    """
    counts = np.bincount(levels, minlength=number + 1)[1:]
    n, total = len(levels), int(levels.sum())
    fullest = np.flatnonzero(counts == counts.max()) + 1
    # compared in whole numbers, n times as large
    mode = fullest[np.argmin(np.abs(fullest * n - total))]
    slopes = np.gradient(counts.astype(np.float64))
    p = counts / n
    moments = spread(levels.astype(np.float64))
    return np.array(
        [
            *moments[:9],
            mode,
            *moments[9:],
            entropy(p),
            (p**2).sum(),
            slopes.max(),
            slopes.argmax() + 1,
            slopes.min(),
            slopes.argmin() + 1,
        ]
    )
