"""Grey-level co-occurrence: counts of pairs of pixels, and what is derived from them."""

import numpy as np

from tasks.core.types import BoolArray, FloatArray, IntArray
from tasks.features.definitions.levels import LEVELS
from tasks.features.definitions.texture import PROPERTIES

_ROW, _COLUMN = np.indices((LEVELS, LEVELS))
_STEP = np.abs(_ROW - _COLUMN)


def pair_counts(levels: IntArray, inside: BoolArray, *, offset: tuple[int, int]) -> IntArray:
    """Count the pairs of grey levels at an offset.

    Parameters
    ----------
    levels
        (H, W) int64, 0 to `LEVELS` − 1 wherever `inside`.
    inside
        (H, W) bool; a pair counts where both of its pixels are inside.
    offset
        Rows (≥ 0) and columns from the first pixel of a pair to the second.

    Returns
    -------
    IntArray
        (`LEVELS`, `LEVELS`) int64, symmetric: each pair is counted in both directions.

    Examples
    --------
    >>> counts = pair_counts(np.array([[0, 1], [1, 2]]), np.ones((2, 2), dtype=bool), offset=(0, 1))
    >>> counts[:3, :3].tolist()
    [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    """
    (height, width), (down, right) = levels.shape, offset
    rows, columns = max(height - down, 0), max(width - abs(right), 0)
    left_1, left_2 = max(-right, 0), max(right, 0)
    first = np.s_[:rows, left_1 : left_1 + columns]
    second = np.s_[down : down + rows, left_2 : left_2 + columns]
    both = inside[first] & inside[second]
    pairs = levels[first][both] * LEVELS + levels[second][both]
    counts = np.bincount(pairs, minlength=LEVELS**2).reshape(LEVELS, LEVELS)
    return np.asarray(counts + counts.T, dtype=np.int64)


def properties(counts: IntArray) -> FloatArray:
    """Derive six texture measures from symmetric counts of pairs.

    With p = counts / n, n their sum, i and j the levels:

    - contrast Σ p (i − j)², dissimilarity Σ p |i − j|, homogeneity Σ p / (1 + (i − j)²), ASM Σ p², energy √ASM;
    - correlation (n Σ c i j − (Σ c i)²) / (n Σ c i² − (Σ c i)²) with c the counts, in integers, so that the variance of
      a constant region is exactly zero; NaN there.

    Returns
    -------
    FloatArray
        (6,) float64; all NaN where there is no pair.

    References
    ----------
    Haralick, Shanmugam, Dinstein (1973), Textural features for image classification, doi:10.1109/TSMC.1973.4309314.
    """
    total = int(counts.sum())
    if not total:
        return np.full(len(PROPERTIES), np.nan)
    linear = int((counts * _ROW).sum())
    variance = total * int((counts * _ROW**2).sum()) - linear**2
    covariance = total * int((counts * _ROW * _COLUMN).sum()) - linear**2
    asm = int((counts**2).sum()) / total**2
    return np.array(
        [
            int((counts * _STEP**2).sum()) / total,
            int((counts * _STEP).sum()) / total,
            float((counts / (1 + _STEP**2)).sum()) / total,
            np.sqrt(asm),
            covariance / variance if variance else np.nan,
            asm,
        ]
    )
