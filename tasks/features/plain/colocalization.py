"""Colocalization of two channels inside a region."""

import numpy as np

from tasks.core.types import BoolArray, FloatArray, IntArray
from tasks.features.cells import valid_pixels
from tasks.features.definitions.colocalization import PER_PAIR, THRESHOLD


def colocalization(first: FloatArray, second: FloatArray, *, mask: BoolArray) -> FloatArray:
    """Measure how two channels x and y lie together in a region that they share.

    A pixel is signal of a channel where it is at least 15 % of the channel's largest pixel in the region.

    Parameters
    ----------
    first, second
        (H, W) float64.
    mask
        (H, W) bool.

    Returns
    -------
    FloatArray
        (11,) float64:

        - Pearson's correlation, and the slope cov(x, y)/var(x); NaN where a channel is constant.
        - Overlap Σxy/√(Σx² Σy²) and K Σxy/Σx², Σxy/Σy², over the pixels that are signal of both; NaN where none is.
        - Manders Σx/Σx and Σy/Σy: above the pixels that are signal of both, below those that are signal of the channel.
        - Rank-weighted: as Manders, above with the weights (R − |D|)/R, where D is the difference of a pixel's ranks in
          the two channels (equal values share one, the smallest has 0) and R the number of different values of the
          channel that has more.
        - Costes: see `costes`.

        All NaN where the mask is empty; where a channel holds a pixel that is no number; from the overlap on also where
        a channel has no positive pixel and so no signal.
    """
    x, y = first[mask], second[mask]
    if not len(x) or not (valid_pixels(x).all() and valid_pixels(y).all()):
        return np.full(PER_PAIR, np.nan)
    out = np.full(PER_PAIR, np.nan)
    out[:2] = _line(x, y)
    if x.max() <= 0 or y.max() <= 0:
        return out
    above_x, above_y = x >= THRESHOLD * x.max(), y >= THRESHOLD * y.max()
    both = above_x & above_y
    if both.any():
        products, squares, others = (x * y)[both].sum(), (x * x)[both].sum(), (y * y)[both].sum()
        out[2:5] = products / np.sqrt(squares) / np.sqrt(others), products / squares, products / others
    rank_x, rank_y = ranks(x), ranks(y)
    highest = max(rank_x.max(), rank_y.max()) + 1
    weights = (highest - np.abs(rank_x - rank_y)) / highest
    signal_x, signal_y = x[above_x].sum(), y[above_y].sum()
    out[5:7] = x[both].sum() / signal_x, y[both].sum() / signal_y
    out[7:9] = (x * weights)[both].sum() / signal_x, (y * weights)[both].sum() / signal_y
    out[9:11] = costes(x, y)
    return out


def ranks(values: FloatArray) -> IntArray:
    """Rank values from 0 on, equal ones alike and without gaps."""
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.int64)


def costes(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Parts of the intensities above Costes' thresholds that lie above both of them.

    The thresholds (T, aT + b) move down the line of the orthogonal regression of y over x until the correlation of the
    pixels below, those with x < T or y < aT + b, is no longer positive; there they stay. Only where T passes
    t = min(x, (y − b)/a) of a pixel does that set change, so T is looked for among these values, neither at steps of
    the image's number format nor by bisection. Sets of less than three pixels or of a constant channel have no
    correlation.

    Parameters
    ----------
    x, y
        (n,) float64.

    Returns
    -------
    tuple[float, float]
        Σx and Σy over the pixels with x ≥ T and y ≥ aT + b, relative to those over the pixels with x ≥ T, and with
        y ≥ aT + b. 0 where nothing lies above both, as where the channels do not correlate positively; NaN where a
        channel is constant, or the sum is not positive.

    References
    ----------
    S. V. Costes et al., Automatic and quantitative measurement of protein-protein colocalization in live cells,
    Biophysical Journal 86, 2004.
    """
    if x.min() == x.max() or y.min() == y.max():
        return np.nan, np.nan
    u, v = _deviations(x), _deviations(y)
    common, steep = _sum(u * v), _sum(v * v) - _sum(u * u)
    if common <= 0:
        return 0.0, 0.0
    root = np.sqrt(steep * steep + 4 * common * common)
    # the same root of the quadratic twice, without subtracting what is nearly equal
    slope = (root + steep) / (2 * common) if steep > 0 else 2 * common / (root - steep)
    along = v / slope
    below = np.minimum(u, along)
    order = np.argsort(below, kind="stable")
    number = np.arange(1, len(x) + 1)
    u_sorted, v_sorted = u[order], v[order]
    covariance = number * np.cumsum(u_sorted * v_sorted) - np.cumsum(u_sorted) * np.cumsum(v_sorted)
    varies = [np.maximum.accumulate(w) > np.minimum.accumulate(w) for w in (u_sorted, v_sorted)]
    ends = np.append(below[order][1:] > below[order][:-1], True)
    stops = np.flatnonzero(ends & varies[0] & varies[1] & (number >= 3) & (covariance <= 0))
    first = int(stops[-1]) + 1 if len(stops) else 0
    if first == len(x):
        return 0.0, 0.0
    threshold = below[order[first]]
    return _part(x, above=u >= threshold, both=below >= threshold), _part(
        y, above=along >= threshold, both=below >= threshold
    )


def _part(values: FloatArray, *, above: BoolArray, both: BoolArray) -> float:
    total = _sum(values[above])
    return _sum(values[both]) / total if total > 0 else np.nan


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Pearson's correlation, and the slope of the least-squares line."""
    if x.min() == x.max():
        return np.nan, np.nan
    u, v = _deviations(x), _deviations(y)
    slope = _sum(u * v) / _sum(u * u)
    if y.min() == y.max():
        return np.nan, slope
    return float(slope * np.sqrt(_sum(u * u)) / np.sqrt(_sum(v * v))), slope


def _deviations(values: FloatArray) -> FloatArray:
    """Deviations from the mean, accurate also where they are small against the values."""
    differences = values - values[0]
    return np.asarray(differences - _sum(differences) / len(values), dtype=np.float64)


def _sum(values: FloatArray) -> float:
    """Sum in the order of the pixels, as compiled code does: a sign near zero decides where Costes' thresholds stay."""
    return float(np.cumsum(values)[-1])
