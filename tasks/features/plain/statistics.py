"""Eleven statistics of a set of pixels."""

import numpy as np

from tasks.core.types import FloatArray
from tasks.features.cells import valid_pixels
from tasks.features.definitions.intensity import STATISTICS


def statistics(values: FloatArray) -> FloatArray:
    """Summarise a set of pixels.

    Parameters
    ----------
    values
        (n,) float64.

    Returns
    -------
    FloatArray
        (11,) float64: mean, median, max, min, std = √m₂ with m_k = mean((v − mean)ᵏ), mad = median(|v − median|),
        lower and upper quartile (linear between the two nearest ranks), sum, skewness = m₃/m₂^1.5,
        kurtosis = m₄/m₂² − 3. All NaN where the set is empty or holds a value that is no number; skewness and kurtosis
        NaN where all values are equal, or differ by rounding only: m₂ ≤ (ε·mean)², as SciPy decides it.

    Examples
    --------
    >>> statistics(np.array([1.0, 2.0, 3.0, 6.0])).round(3).tolist()
    [3.0, 2.5, 6.0, 1.0, 1.871, 1.0, 1.75, 3.75, 12.0, 0.687, -1.0]
    """
    if not values.size or not valid_pixels(values).all():
        return np.full(len(STATISTICS), np.nan)
    low, high = values.min(), values.max()
    # the sum of equal values is rounded, and the rounding would pass for a spread
    mean = values.mean() if low < high else low
    lower, median, upper = np.percentile(values, (25, 50, 75))
    deviation = values - mean
    variance = (deviation**2).mean()
    skewness = kurtosis = np.nan
    if low < high and variance > (np.finfo(np.float64).eps * mean) ** 2:
        # standardised before it is raised to powers, so that tiny variances do not underflow
        score = deviation / np.sqrt(variance)
        skewness = (score**3).mean()
        kurtosis = (score**4).mean() - 3
    return np.array(
        [
            mean,
            median,
            high,
            low,
            np.sqrt(variance),
            np.median(np.abs(values - median)),
            lower,
            upper,
            values.sum(),
            skewness,
            kurtosis,
        ]
    )
