"""A few columns that stand for many."""

import numpy as np
import polars as pl

from tasks.core.types import FloatArray
from tasks.report.page.projection import robustly_scaled

PER_FAMILY = 4

TOLD = 1e-9
"""Share of a feature's variation below which the chosen ones tell all of it, but for rounding."""


def choose_features(features: pl.DataFrame, values: FloatArray, *, per_family: int = PER_FAMILY) -> list[str]:
    """Choose from each family the features that together tell most of it.

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


def most_telling(scaled: FloatArray, *, count: int) -> list[int]:
    """Return columns of (N, F) from which the others follow best, the most telling one first.

    All columns count alike. Each column that is chosen explains, by linear regression, as much as can be of what those
    before left over of all columns: so of ten that say the same, one is taken.

    Examples
    --------
    >>> twice = np.array([[1.0, 2.0, 5.0], [2.0, 4.0, -5.0], [3.0, 6.0, -5.0], [4.0, 8.0, 5.0]])
    >>> most_telling(twice, count=3)  # the second says what the first says
    [0, 2]
    """
    left = scaled - scaled.mean(axis=0) if scaled.size else scaled
    lengths = np.linalg.norm(left, axis=0)
    left = left / np.where(lengths > 0, lengths, 1.0)
    chosen: list[int] = []
    while left.size and len(chosen) < count:
        own = (left**2).sum(axis=0)
        open_ = own > TOLD
        if not open_.any():
            break
        explained = np.where(open_, ((left.T @ left) ** 2).sum(axis=1) / np.where(open_, own, 1.0), -1.0)
        best = int(np.argmax(explained > explained.max() * (1 - TOLD)))  # of equal ones the first, however they round
        axis = left[:, best] / np.sqrt(own[best])
        left = left - np.outer(axis, axis @ left)
        chosen.append(best)
    return chosen
