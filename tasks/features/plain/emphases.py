"""What the IBSI derives from every matrix of grey levels against sizes: runs, zones, distances and dependences."""

import numpy as np

from tasks.core.types import FloatArray, IntArray
from tasks.features.definitions.emphases import EMPHASES
from tasks.features.plain.pairs import entropy


def emphases(counts: IntArray, *, pixels: int) -> FloatArray:
    """Derive 17 features from a matrix of grey levels against sizes.

    With s(i, j) the count of things of level i and size j (both from 1 on), n = Σ s, p = s/n, sᵢ and sⱼ its margins:

    - emphasis of small sizes Σ p/j², large sizes Σ p j², low levels Σ p/i², high levels Σ p i²;
    - of small low Σ p/(i² j²), small high Σ p i²/j², large low Σ p j²/i², large high Σ p i² j²;
    - non-uniformity of the levels Σ sᵢ²/n, and normalised Σ sᵢ²/n²; of the sizes Σ sⱼ²/n and Σ sⱼ²/n²;
    - percentage n/`pixels`;
    - variance of the levels Σ (i − Σ i p)² p, of the sizes Σ (j − Σ j p)² p; entropy −Σ p log₂ p; energy Σ p².

    Parameters
    ----------
    counts
        (Ng, S) int64: element (i, j) counts the things of level i + 1 and size j + 1.
    pixels
        Number of pixels of the region.

    Returns
    -------
    FloatArray
        (17,) float64 in this order; all NaN where nothing is counted.

    Examples
    --------
    Two things of level 1, of size 1 and 3, and one of level 2 and size 1, in a region of five pixels:

    >>> emphases(np.array([[1, 0, 1], [1, 0, 0]]), pixels=5).round(3).tolist()[:2]
    [0.704, 3.667]

    References
    ----------
    Zwanenburg et al., Image biomarker standardisation initiative, reference manual, arXiv:1612.07003, sections
    3.7, 3.8, 3.9 and 3.11.
    """
    n = int(counts.sum())
    if not n:
        return np.full(EMPHASES, np.nan)
    p = counts / n
    i, j = np.ogrid[1 : counts.shape[0] + 1, 1 : counts.shape[1] + 1]
    levels, sizes = counts.sum(axis=1), counts.sum(axis=0)
    # divided last, so that equal sizes have no variance
    grey, size = (i * counts).sum() / n, (j * counts).sum() / n
    return np.array(
        [
            (p / j**2).sum(),
            (p * j**2).sum(),
            (p / i**2).sum(),
            (p * i**2).sum(),
            (p / i**2 / j**2).sum(),
            (p * i**2 / j**2).sum(),
            (p * j**2 / i**2).sum(),
            (p * i**2 * j**2).sum(),
            (levels**2).sum() / n,
            (levels**2).sum() / n**2,
            (sizes**2).sum() / n,
            (sizes**2).sum() / n**2,
            n / pixels,
            ((i - grey) ** 2 * p).sum(),
            ((j - size) ** 2 * p).sum(),
            entropy(p),
            (p**2).sum(),
        ]
    )
