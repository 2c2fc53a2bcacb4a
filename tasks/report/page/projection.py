"""Two dimensions out of many: principal components of robustly scaled features."""

from dataclasses import dataclass

import numpy as np

from tasks.core.types import BoolArray, FloatArray

LIMIT = 5.0
"""Quartile ranges from the median beyond which a value counts no more: single extreme cells must not make an axis."""

LEAST_KNOWN = 0.5
"""Share of the cells of which a feature has to have a value."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Projection:
    """Cells on two axes.

    Parameters
    ----------
    points
        (N, 2) float64.
    explained
        (2,) share of the scaled features' variance along each axis.
    weights
        (2, used) of each used feature on the axes.
    used
        (F,) bool: features that vary and are known often enough.
    """

    points: FloatArray
    explained: FloatArray
    weights: FloatArray
    used: BoolArray


def robustly_scaled(values: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Scale features by median and quartiles.

    Parameters
    ----------
    values
        (N, F) floats; what is not finite is missing.

    Returns
    -------
    (N, used) float64: (value - median) / quartile range, within ± `LIMIT`, 0 where missing; and (F,) bool, which
    features those are. A feature of which more than half of the cells have equal values is scaled by its standard
    deviation; one that is constant, or known of less than half of the cells, is not used.
    """
    known = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    used: BoolArray = np.isfinite(known).sum(axis=0) > max(len(known) * LEAST_KNOWN, 1)
    if used.any():
        used[used] = np.nanmax(known[:, used], axis=0) > np.nanmin(known[:, used], axis=0)
    chosen = known[:, used]
    if not chosen.size:
        return np.zeros((len(known), 0)), used
    first, median, third = np.nanpercentile(chosen, [25, 50, 75], axis=0)
    spread = third - first
    spread = np.where(spread > 0, spread, np.nanstd(chosen, axis=0))
    spread[spread == 0] = 1.0  # of values that differ by less than can be computed with
    return np.nan_to_num(np.clip((chosen - median) / spread, -LIMIT, LIMIT)), used


def principal_components(scaled: FloatArray, *, used: BoolArray) -> Projection:
    """Project scaled features (N, used) onto the two axes along which they vary most.

    The sign of an axis is such that its largest weight is positive. Axes that do not exist, because there are too few
    cells or features, are 0.
    """
    points, weights, explained = np.zeros((len(scaled), 2)), np.zeros((2, scaled.shape[1])), np.zeros(2)
    centred = scaled - scaled.mean(axis=0) if len(scaled) else scaled
    total = float((centred**2).sum())
    if total > 0:
        left, singular, axes = np.linalg.svd(centred, full_matrices=False)
        axes_there = min(2, len(singular))
        for axis in range(axes_there):
            sign = np.sign(axes[axis, np.abs(axes[axis]).argmax()])
            points[:, axis] = left[:, axis] * singular[axis] * sign
            weights[axis] = axes[axis] * sign
            explained[axis] = singular[axis] ** 2 / total
    return Projection(points=points, explained=explained, weights=weights, used=used)


def neighbor_embedding(scaled: FloatArray, *, seed: int) -> FloatArray | None:
    """Lay out cells (N, used) so that like ones are neighbors, by UMAP; None where umap-learn is not installed.

    It is given the 50 principal components that vary most; of fewer than 16 cells there is no such layout.
    """
    try:
        from umap import UMAP
    except ImportError:
        return None
    if len(scaled) < 16 or not scaled.shape[1]:
        return None
    centred = scaled - scaled.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    points: FloatArray = UMAP(random_state=seed).fit_transform((left * singular)[:, :50]).astype(np.float64)
    return points
