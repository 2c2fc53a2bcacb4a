"""How grey levels differ from the mean of their neighbours."""

import numpy as np

from tasks.core.types import FloatArray, IntArray
from tasks.features.definitions.ngtdm import MEASURES
from tasks.features.plain.zones import NEIGHBOURS


def tone_differences(levels: IntArray, *, number: int) -> FloatArray:
    """Derive five features from the neighbourhood grey tone difference matrix.

    nᵢ is the number of pixels of level i that have a neighbour in the region, sᵢ the sum over them of |i − mean level
    of these neighbours|; neighbours are the eight pixels at Chebyshev distance 1. With n = Σ nᵢ, pᵢ = nᵢ/n, and m the
    number of levels with pᵢ > 0, all sums over those levels:

    - coarseness 1/Σ pᵢ sᵢ;
    - contrast (Σᵢ Σⱼ pᵢ pⱼ (i − j)²)/(m (m − 1)) · (Σ sᵢ)/n;
    - busyness (Σ pᵢ sᵢ)/(Σᵢ Σⱼ |i pᵢ − j pⱼ|);
    - complexity (Σᵢ Σⱼ |i − j| (pᵢ sᵢ + pⱼ sⱼ)/(pᵢ + pⱼ))/n;
    - strength (Σᵢ Σⱼ (pᵢ + pⱼ)(i − j)²)/(Σ sᵢ).

    Parameters
    ----------
    levels
        (H, W) int64, 1 to `number` in the region, 0 outside.

    Returns
    -------
    FloatArray
        (5,) float64 in the order of `MEASURES`. All NaN where no pixel has a neighbour. In a region of one level all
        but the complexity, 0, are NaN: their denominators are zero. The IBSI sets the coarseness to 10⁶ there and the
        others to 0; such numbers would pass for measurements.

    References
    ----------
    Zwanenburg et al., Image biomarker standardisation initiative, reference manual, arXiv:1612.07003, section 3.10.
    Amadasun, King (1989), Textural features corresponding to textural properties, doi:10.1109/21.44046.
    """
    framed, (height, width) = np.pad(levels, 1), levels.shape
    near = np.array([framed[1 + d : 1 + d + height, 1 + r : 1 + r + width] for d, r in NEIGHBOURS])
    number_near, sum_near = (near > 0).sum(axis=0), near.sum(axis=0)
    valid = (levels > 0) & (number_near > 0)
    if not valid.any():
        return np.full(len(MEASURES), np.nan)
    index = levels[valid] - 1
    difference = np.abs(levels[valid] - sum_near[valid] / number_near[valid])
    counts = np.bincount(index, minlength=number)
    present = counts > 0
    n, i = int(counts.sum()), (np.arange(number) + 1)[present]
    p = counts[present] / n
    s = np.bincount(index, weights=difference, minlength=number)[present]
    m = len(i)
    steps = np.abs(i[:, np.newaxis] - i)
    weighted = float((p * s).sum())
    complexity = (steps * np.add.outer(p * s, p * s) / np.add.outer(p, p)).sum() / n
    if m == 1:
        return np.array([np.nan, np.nan, np.nan, complexity, np.nan])
    # of whole numbers, so that equal ones cancel
    weights = i * counts[present]
    crossed = np.abs(np.subtract.outer(weights, weights)).sum() / n
    return np.array(
        [
            1 / weighted if weighted > 0 else np.nan,
            (np.outer(p, p) * steps**2).sum() / (m * (m - 1)) * s.sum() / n,
            weighted / crossed if crossed > 0 else np.nan,
            complexity,
            (np.add.outer(p, p) * steps**2).sum() / s.sum() if weighted > 0 else np.nan,
        ]
    )
