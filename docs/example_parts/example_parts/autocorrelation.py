"""Family ``autocorrelation``: whether bright pixels of a region lie beside bright ones."""

import numpy as np

from tasks.core.types import BoolArray, FloatArray
from tasks.features.cells import ChannelCell, valid_pixels
from tasks.features.family import FeatureDef
from tasks.features.register import register_per_channel

INVARIANCES = ("translation", "quarter turn", "intensity shift", "intensity scale")

DEFINITIONS = (
    FeatureDef(
        stat="moran",
        unit="1",
        definition="Moran's I over neighbouring pixels: 1 smooth, 0 random, −1 a chessboard.",
        reference="Moran, Biometrika 37, 1950",
        invariances=INVARIANCES,
    ),
    FeatureDef(
        stat="geary",
        unit="1",
        definition="Geary's C over neighbouring pixels: 0 smooth, 1 random, above 1 alternating.",
        reference="Geary, The Incorporated Statistician 5, 1954",
        invariances=INVARIANCES,
    ),
)


def autocorrelation(pixels: FloatArray, *, mask: BoolArray) -> FloatArray:
    """Measure one channel of one region.

    With v the n pixels of the region, m their mean, and the sums over the p pairs of them that share a side,
    I = n/p · Σ (vᵢ − m)(vⱼ − m) / Σ (v − m)² and C = (n − 1)/(2p) · Σ (vᵢ − vⱼ)² / Σ (v − m)².

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool.

    Returns
    -------
    FloatArray
        (2,) float64; NaN where the region holds no pair, a pixel that is no number, or pixels all alike.

    Examples
    --------
    >>> autocorrelation(np.array([[0.0, 1.0], [1.0, 0.0]]), mask=np.ones((2, 2), dtype=bool)).tolist()
    [-1.0, 1.5]
    """
    inside = pixels[mask]
    down, right = mask[1:] & mask[:-1], mask[:, 1:] & mask[:, :-1]
    pairs = int(down.sum() + right.sum())
    if pairs == 0 or not valid_pixels(inside).all() or np.ptp(inside) == 0:
        return np.full(len(DEFINITIONS), np.nan)
    centred = pixels - inside.mean()
    first = np.concatenate([centred[1:][down], centred[:, 1:][right]])
    second = np.concatenate([centred[:-1][down], centred[:, :-1][right]])
    spread = (centred[mask] ** 2).sum()
    moran = len(inside) / pairs * (first * second).sum() / spread
    geary = (len(inside) - 1) / (2 * pairs) * ((first - second) ** 2).sum() / spread
    return np.array([moran, geary])


def _plain(cell: ChannelCell) -> FloatArray:
    return autocorrelation(cell.pixels, mask=cell.mask)


register_per_channel(
    name="autocorrelation",
    description="Whether bright pixels of a region lie beside bright ones.",
    definitions=DEFINITIONS,
    plain=_plain,
    optional=True,
)
