"""A few columns that stand for many."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.linalg import qr

from tasks.core.types import FloatArray
from tasks.report.page.projection import robustly_scaled

PER_FAMILY = 4


def choose_features(features: pl.DataFrame, values: FloatArray, *, per_family: int = PER_FAMILY) -> list[str]:
    """Choose from each family the features that together tell most of it.

    The first of a family is the one that varies most once it is scaled robustly, each further one that which varies
    most in what those before do not tell: QR decomposition with column pivoting. So of ten that say the same, one is
    taken.

    Parameters
    ----------
    features
        Rows of a dictionary: ``name`` and ``family``.
    values
        (N, F) of a sample of the cells, in the order of `features`.

    Returns
    -------
    Names, family by family in the order of the dictionary.
    """
    chosen: list[str] = []
    for family in features["family"].unique(maintain_order=True):
        places = np.flatnonzero((features["family"] == family).to_numpy())
        scaled, used = robustly_scaled(values[:, places])
        names = features["name"].gather(places[used]).to_list()
        chosen += [names[place] for place in most_telling(scaled, count=per_family)]
    return chosen


def most_telling(scaled: FloatArray, *, count: int) -> Sequence[int]:
    """Return columns of (N, F) from which the others follow best, the most telling one first.

    Examples
    --------
    >>> most_telling(np.array([[1.0, 9.0, 9.1], [2.0, -9.0, -9.1], [-1.0, 0.0, 0.0]]), count=2)
    [2, 0]
    """
    if not scaled.size:
        return []
    triangle, order = qr(scaled - scaled.mean(axis=0), mode="r", pivoting=True, check_finite=False)
    told = np.abs(np.diag(triangle))
    rank = int((told > told.max(initial=0) * 1e-9).sum())
    places: list[int] = order[: min(count, rank)].tolist()
    return places
