"""Eleven statistics of a sorted set of pixels, as they are and less a background."""

import numpy as np

from tasks.core.kernels.compiled import inner, reduction
from tasks.core.types import FloatArray
from tasks.features.cells import LARGEST
from tasks.features.definitions.intensity import STATISTICS

NUMBER = len(STATISTICS)
"""How many there are."""
EPSILON = float(np.finfo(np.float64).eps)


@inner
def summarise(values: FloatArray, count: int, background: float, plain: FloatArray, shifted: FloatArray) -> None:
    """Compute what `tasks.features.plain.statistics` does, of the values and of the values less a background.

    A background moves the order statistics and the sum and leaves spread and form as they are, so both views come from
    one sorted set.

    Parameters
    ----------
    values
        (≥ count,) float64, sorted, finite.
    count
        Number of values; without any both results are 0.
    background
        What `shifted` subtracts; where it is no number, or takes the values beyond all, `shifted` is NaN.
    plain, shifted
        (11,) float64, the results, in the order of `STATISTICS`.
    """
    if count == 0:
        plain[:] = 0.0
        shifted[:] = 0.0
        return
    low, high = np.float64(values[0]), np.float64(values[count - 1])
    total = add(values, count)
    # the sum of equal values is rounded, and the rounding would pass for a spread
    mean = total / count if low < high else low
    square, cube, fourth = 0.0, np.nan, np.nan
    if low < high:
        off, square = spread(values, count, mean)
        # what rounding has left of the first moment
        mean += off
        if square > 0.0:
            cube, fourth = form(values, count, mean, 1.0 / np.sqrt(square))
    deviation = median_deviation(values, count, quantile(values, count, 0.5, 0.0))
    _fill(values, count, 0.0, mean, total, plain)
    _form(low, high, mean, square, cube, fourth, deviation, plain)
    if not max(abs(low - background), abs(high - background)) < LARGEST:
        shifted[:] = np.nan
        return
    _fill(values, count, background, mean - background, total - count * background, shifted)
    _form(low - background, high - background, mean - background, square, cube, fourth, deviation, shifted)


@inner
def _fill(values: FloatArray, count: int, background: float, mean: float, total: float, out: FloatArray) -> None:
    """Fill in what a background moves."""
    out[0] = mean
    out[1] = quantile(values, count, 0.5, background)
    out[2] = values[count - 1] - background
    out[3] = values[0] - background
    out[6] = quantile(values, count, 0.25, background)
    out[7] = quantile(values, count, 0.75, background)
    out[8] = total


@inner
def _form(
    low: float,
    high: float,
    mean: float,
    square: float,
    cube: float,
    fourth: float,
    deviation: float,
    out: FloatArray,
) -> None:
    """Fill in spread and form; skewness and kurtosis NaN where values differ by rounding only, as SciPy decides it."""
    out[4] = np.sqrt(square)
    out[5] = deviation
    differ = low < high and square > (EPSILON * mean) ** 2
    out[9] = cube if differ else np.nan
    out[10] = fourth - 3.0 if differ else np.nan


@reduction
def add(values: FloatArray, count: int) -> float:
    """Sum of the first values; of whole numbers it is exact."""
    total = 0.0
    for at in range(count):
        total += values[at]
    return total


@reduction
def spread(values: FloatArray, count: int, about: float) -> tuple[float, float]:
    """Mean deviation from a number next to the mean, and mean squared deviation from the mean."""
    total = squares = 0.0
    for at in range(count):
        deviation = values[at] - about
        total += deviation
        squares += deviation * deviation
    return total / count, max(0.0, squares / count - (total / count) ** 2)


@reduction
def form(values: FloatArray, count: int, mean: float, scale: float) -> tuple[float, float]:
    """Mean third and fourth power of the deviation times `scale`; scaled first, so that no power leaves the range."""
    cubes = fourths = 0.0
    for at in range(count):
        score = (values[at] - mean) * scale
        square = score * score
        cubes += square * score
        fourths += square * square
    return cubes / count, fourths / count


@inner
def quantile(values: FloatArray, count: int, fraction: float, background: float) -> float:
    """Quantile of sorted values less a background, linear between the two nearest ranks, as numpy computes it."""
    place = fraction * (count - 1)
    rank = int(place)
    part = place - rank
    low: float = values[rank] - background
    if part == 0.0:
        return low
    high: float = values[rank + 1] - background
    return high - (high - low) * (1.0 - part) if part >= 0.5 else low + (high - low) * part


@inner
def median_deviation(values: FloatArray, count: int, median: float) -> float:
    """Median of the absolute deviations from the median of sorted values.

    The deviations below the median and those from it on are two sorted sequences; binary search finds how many of each
    are among the smallest half.
    """
    split, end = 0, count
    while split < end:
        middle = (split + end) // 2
        if values[middle] < median:
            split = middle + 1
        else:
            end = middle
    upper = count - split
    wanted = count // 2 + 1
    # the fewest values from below, `below`, so that the next one from below is no smaller than the last from above
    fewest, most = max(0, wanted - upper), min(wanted, split)
    while fewest < most:
        below = (fewest + most) // 2
        if median - values[split - 1 - below] < values[split + wanted - below - 1] - median:
            fewest = below + 1
        else:
            most = below
    below, above = fewest, wanted - fewest
    largest = _larger(values, split, below, above, median)
    if count % 2:
        return largest
    # of an even number the middle two count: also the largest of one value less
    if above == 0 or (below > 0 and median - values[split - below] >= values[split + above - 1] - median):
        below -= 1
    else:
        above -= 1
    return 0.5 * (largest + _larger(values, split, below, above, median))


@inner
def _larger(values: FloatArray, split: int, below: int, above: int, median: float) -> float:
    """Largest deviation of `below` values before and `above` values from `split` on."""
    larger = 0.0
    if below > 0:
        larger = median - values[split - below]
    if above > 0:
        larger = max(larger, values[split + above - 1] - median)
    return larger
