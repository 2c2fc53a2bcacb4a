"""Shape of a region: all of its pixels measured as one object."""

import numpy as np
from skimage.measure import regionprops

from tasks.core.columns import Column
from tasks.core.kernels.bits import stream_of
from tasks.core.types import Batch, BoolArray, FloatArray, Region
from tasks.features.cells import cells, check_fit
from tasks.features.family import RegionInfo, Term, register
from tasks.features.kernels.shape import LAYOUT, measure_shape
from tasks.features.moments import ellipse, moments, raw_moments
from tasks.features.shape_terms import (
    CENTRAL,
    EIGENVALUES,
    HU_MOMENTS,
    INERTIA,
    MOMENTS,
    NORMALIZED,
    PLAIN,
    SINGLE,
)

FAMILY = "shape"

_REPEATED = frozenset({("moments", "0_0"), ("moments_central", "0_0"), ("inertia_tensor", "1_0")})
_ZERO = frozenset({("moments_central", "0_1"), ("moments_central", "1_0")})
_UNDEFINED = frozenset({("moments_normalized", "0_0"), ("moments_normalized", "0_1"), ("moments_normalized", "1_0")})


def _kept(terms: list[Term]) -> list[Term]:
    """Leave out elements that repeat another column, are zero for every region, or are not defined."""
    return [term for term in terms if (term.stat, term.param) not in _REPEATED | _ZERO | _UNDEFINED]


TERMS = (
    *PLAIN,
    *SINGLE,
    *_kept(INERTIA),
    *EIGENVALUES,
    *_kept(MOMENTS),
    *_kept(CENTRAL),
    *_kept(NORMALIZED),
    *HU_MOMENTS,
)

_PLACES = np.array([LAYOUT.index((term.stat, term.param)) for term in TERMS], dtype=np.int64)


def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
    """One set of columns per channel, or one in all where the channels share the region."""
    if region.shared:
        return tuple(term.column(family=FAMILY, region=region) for term in TERMS)
    return tuple(
        term.column(family=FAMILY, region=region, channels=(channel,)) for channel in channels for term in TERMS
    )


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure the shape of each mask in plain code; (N, K) or (N, K·C) float64, K the number of `TERMS`."""
    rows = [np.concatenate([shape(mask) for mask in cell.masks]) for cell in cells(batch, region)]
    return np.array(rows, dtype=np.float64).reshape(len(batch), region.masks.planes * len(TERMS))


@register(name=FAMILY, profile="standard", columns=columns, plain=measure_plain)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the shape of each mask; (N, K) or (N, K·C) float64, K the number of `TERMS`."""
    check_fit(batch, region)
    planes = region.masks.planes
    found = np.empty((len(batch), planes * len(TERMS)))
    measure_shape(
        stream_of(region.masks.flat),
        region.masks.shapes,
        planes,
        _PLACES,
        False,  # noqa: FBT003 - all pixels
        np.full(len(TERMS), np.nan),
        found,
    )
    return found


def shape(mask: BoolArray) -> FloatArray:
    """Measure the outline and the moments of all pixels of a mask as one object.

    Parameters
    ----------
    mask
        (H, W) bool; components need not be connected.

    Returns
    -------
    FloatArray
        (K,) float64 in the order of `TERMS`; all NaN for an empty mask. NaN where a feature is not defined: form factor
        where the perimeter is 0 (a pixel, two pixels, scattered ones), eccentricity of a single pixel, orientation
        where no direction is longer (a square, a pixel).

    References
    ----------
    scikit-image's regionprops for outlines and hulls; moments in whole numbers, see `tasks.features.moments`.
    """
    if not mask.any():
        return np.full(len(TERMS), np.nan)
    (whole,) = regionprops(mask.astype(np.uint8))
    raw = raw_moments(whole.image)
    sums, fitted = moments(raw), ellipse(raw)
    perimeter = float(whole.perimeter)
    single = {
        "area": whole.area,
        "area_bbox": whole.area_bbox,
        "area_convex": whole.area_convex,
        "area_filled": whole.area_filled,
        "axis_major_length": 4 * np.sqrt(fitted.eigenvalues[0]),
        "axis_minor_length": 4 * np.sqrt(fitted.eigenvalues[1]),
        "eccentricity": fitted.eccentricity,
        "equivalent_diameter": whole.equivalent_diameter_area,
        "euler_number": whole.euler_number,
        "extent": whole.extent,
        "feret_diameter_max": whole.feret_diameter_max,
        "form_factor": 4 * np.pi * whole.area / perimeter**2 if perimeter > 0 else np.nan,
        "orientation": fitted.orientation,
        "perimeter": perimeter,
        "perimeter_crofton": whole.perimeter_crofton,
        "solidity": whole.solidity,
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
            for term in TERMS
        ],
        dtype=np.float64,
    )
