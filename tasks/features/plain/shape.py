"""Shape of a mask: all of its pixels as one object, or the mean over its connected components."""

import numpy as np
from skimage.measure import label, regionprops, regionprops_table

from tasks.core.shape import ellipse
from tasks.core.types import BoolArray, FloatArray
from tasks.features.definitions.shape import SCIP, STANDARD
from tasks.features.plain.moments import moments, raw_moments

_PROPERTIES = {
    feature.stat: "equivalent_diameter_area" if feature.stat == "equivalent_diameter" else feature.stat
    for feature in SCIP
}
_KEYS = tuple("-".join(filter(None, (_PROPERTIES[feature.stat], *feature.param.split("_")))) for feature in SCIP)


def published_shape(mask: BoolArray) -> FloatArray:
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


def shape(mask: BoolArray) -> FloatArray:
    """Measure the outline and the moments of all pixels of a mask as one object.

    Parameters
    ----------
    mask
        (H, W) bool; components need not be connected.

    Returns
    -------
    FloatArray
        (K,) float64 in the order of `STANDARD`; all NaN for an empty mask. NaN where a feature is not defined: form
        factor where the perimeter is 0 (a pixel, two pixels, scattered ones), eccentricity of a single pixel,
        orientation where no direction is longer (a square, a pixel).

    References
    ----------
    scikit-image's regionprops for outlines and hulls; moments in whole numbers, see `tasks.features.plain.moments`.
    """
    if not mask.any():
        return np.full(len(STANDARD), np.nan)
    (region,) = regionprops(mask.astype(np.uint8))
    raw = raw_moments(region.image)
    sums, fitted = moments(raw), ellipse(raw)
    perimeter = float(region.perimeter)
    single = {
        "area": region.area,
        "area_bbox": region.area_bbox,
        "area_convex": region.area_convex,
        "area_filled": region.area_filled,
        "axis_major_length": 4 * np.sqrt(fitted.eigenvalues[0]),
        "axis_minor_length": 4 * np.sqrt(fitted.eigenvalues[1]),
        "eccentricity": fitted.eccentricity,
        "equivalent_diameter": region.equivalent_diameter_area,
        "euler_number": region.euler_number,
        "extent": region.extent,
        "feret_diameter_max": region.feret_diameter_max,
        "form_factor": 4 * np.pi * region.area / perimeter**2 if perimeter > 0 else np.nan,
        "orientation": fitted.orientation,
        "perimeter": perimeter,
        "perimeter_crofton": region.perimeter_crofton,
        "solidity": region.solidity,
    }
    arrays = {
        "inertia_tensor": fitted.tensor,
        "inertia_tensor_eigvals": fitted.eigenvalues,
        "moments": sums.raw,
        "moments_central": sums.central,
        "moments_normalized": sums.normalized,
        "moments_hu": sums.hu,
    }
    return np.array(
        [
            arrays[term.stat][tuple(int(i) for i in term.param.split("_"))] if term.param else single[term.stat]
            for term in STANDARD
        ],
        dtype=np.float64,
    )
