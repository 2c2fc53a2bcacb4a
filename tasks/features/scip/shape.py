"""Shape as the published system measures it: the mean over the connected components of a mask."""

from dataclasses import replace

import numpy as np
from skimage.measure import label, regionprops_table

from tasks.core.columns import Column
from tasks.core.kernels.bits import stream_of
from tasks.core.types import Batch, BoolArray, FloatArray, Region
from tasks.features.cells import cells, check_fit
from tasks.features.family import RegionInfo, register
from tasks.features.kernels.shape import LAYOUT, measure_shape
from tasks.features.shape_terms import CENTRAL, EIGENVALUES, HU_MOMENTS, INERTIA, MOMENTS, PLAIN

FAMILY = "shape"

TERMS = tuple(
    replace(term, definition=f"{term.definition.removesuffix('.')}; mean over the connected components.")
    for term in (*PLAIN, *INERTIA, *EIGENVALUES, *MOMENTS, *CENTRAL, *HU_MOMENTS)
)

SILENT = 11
"""How many of the first features are 0, not NaN, for the empty mask of a channel."""

_PROPERTIES = {
    term.stat: "equivalent_diameter_area" if term.stat == "equivalent_diameter" else term.stat for term in TERMS
}
_KEYS = tuple("-".join(filter(None, (_PROPERTIES[term.stat], *term.param.split("_")))) for term in TERMS)

_PLACES = np.array([LAYOUT.index((term.stat, term.param)) for term in TERMS], dtype=np.int64)


def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
    """59 columns per channel, or 59 in all where the channels share the region."""
    if region.shared:
        return tuple(term.column(family=FAMILY, region=region, scip=f"{term.scip}_combined") for term in TERMS)
    return tuple(
        term.column(family=FAMILY, region=region, channels=(channel,), scip=f"{term.scip}_{channel}")
        for channel in channels
        for term in TERMS
    )


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure the shape of each mask in plain code; (N, 59) or (N, 59·C) float64."""
    rows = [
        np.concatenate([shape(mask) if mask.any() else _empty(shared=region.shared) for mask in cell.masks])
        for cell in cells(batch, region)
    ]
    return np.array(rows, dtype=np.float64).reshape(len(batch), region.masks.planes * len(TERMS))


@register(name=FAMILY, profile="scip", columns=columns, plain=measure_plain)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the shape of each mask; (N, 59) or (N, 59·C) float64.

    An empty mask of a channel has 0 in the first 11 features and NaN in the others, an empty shared one NaN in all.
    """
    check_fit(batch, region)
    planes = region.masks.planes
    found = np.empty((len(batch), planes * len(TERMS)))
    measure_shape(
        stream_of(region.masks.flat),
        region.masks.shapes,
        planes,
        _PLACES,
        True,  # noqa: FBT003 - the components, each for itself
        _empty(shared=region.shared),
        found,
    )
    return found


def shape(mask: BoolArray) -> FloatArray:
    """Mean of 59 properties over the 8-connected components, unweighted, each measured in its own bounding box.

    Parameters
    ----------
    mask
        (H, W) bool, not empty.

    Returns
    -------
    FloatArray
        (59,) float64.
    """
    table = regionprops_table(label(mask), properties=tuple(dict.fromkeys(_PROPERTIES.values())))
    return np.array([np.mean(table[key]) for key in _KEYS], dtype=np.float64)


def _empty(*, shared: bool) -> FloatArray:
    values = np.full(len(TERMS), np.nan)
    if not shared:
        values[:SILENT] = 0
    return values
