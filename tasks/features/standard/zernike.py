"""Zernike moments of a region's shape."""

import numpy as np

from tasks.core.columns import Column
from tasks.core.kernels.bits import stream_of
from tasks.core.types import Batch, BoolArray, FloatArray, Region
from tasks.features.cells import cells, check_fit
from tasks.features.family import RegionInfo, Term, register
from tasks.features.kernels.zernike import measure_zernike
from tasks.features.zernike_terms import INDEXES, enclosing_circle, polynomials

FAMILY = "zernike"

TERMS = tuple(
    Term(
        stat=str(n),
        param=str(m),
        unit="1",
        definition=(
            f"Magnitude of the sum of Zernike's polynomial of degree {n} and order {m} over the pixels of the region, "
            "divided by the area of its smallest enclosing circle."
        ),
        reference="Boland, Markey & Murphy 1998; CellProfiler 4.2, MeasureObjectSizeShape",
        invariances=("translation", "rotation", "scale"),
    )
    for n, m in INDEXES
)


def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
    """30 columns per channel, or 30 in all where the channels share the region."""
    if region.shared:
        return tuple(term.column(family=FAMILY, region=region) for term in TERMS)
    return tuple(
        term.column(family=FAMILY, region=region, channels=(channel,)) for channel in channels for term in TERMS
    )


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure each mask in plain code; (N, 30) or (N, 30·C) float64."""
    rows = [np.concatenate([zernike(mask) for mask in cell.masks]) for cell in cells(batch, region)]
    return np.array(rows, dtype=np.float64).reshape(len(batch), region.masks.planes * len(TERMS))


@register(name=FAMILY, profile="standard", columns=columns, plain=measure_plain, optional=True)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure each mask; (N, 30) or (N, 30·C) float64."""
    check_fit(batch, region)
    found = np.empty((len(batch), region.masks.planes * len(TERMS)))
    shapes = np.ascontiguousarray(region.masks.shapes, dtype=np.int64)
    measure_zernike(stream_of(region.masks.flat), shapes, region.masks.planes, found)
    return found


def zernike(mask: BoolArray) -> FloatArray:
    """Measure the Zernike moments of a region up to degree 9.

    On the smallest circle around the middles of the pixels, of radius r, |Σ R_nm(ρ) e^(imθ)| / (π r²) over the pixels
    of the region. No factor (n + 1) is applied, as in CellProfiler.

    Parameters
    ----------
    mask
        (H, W) bool; components need not be connected.

    Returns
    -------
    FloatArray
        (30,) float64 in the order of `TERMS`; all NaN for an empty mask and for a single pixel, whose circle is a
        point.
    """
    if mask.sum() < 2:
        return np.full(len(TERMS), np.nan)
    row, column, radius = enclosing_circle(mask)
    rows, columns_ = np.nonzero(mask)
    sums = polynomials((columns_ - column) / radius, (rows - row) / radius).sum(axis=1)
    return np.asarray(np.abs(sums) / (np.pi * radius**2), dtype=np.float64)
