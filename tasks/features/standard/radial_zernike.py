"""Zernike moments of the intensities in a region."""

import numpy as np

from tasks.core.columns import Column
from tasks.core.types import Batch, BoolArray, FloatArray, Region
from tasks.features.cells import cells, check_fit, usable
from tasks.features.family import RegionInfo, Term, register
from tasks.features.kernels.stacks import stacks
from tasks.features.kernels.zernike import measure_radial_zernike
from tasks.features.zernike_terms import INDEXES, ROUNDING, enclosing_circle, polynomials

FAMILY = "radial_zernike"

_REFERENCE = "CellProfiler 4.2, MeasureObjectIntensityDistribution, Zernikes"

TERMS = (
    *(
        Term(
            stat="magnitude",
            param=f"{n}_{m}",
            unit="intensity",
            definition=(
                f"Magnitude of the mean of Zernike's polynomial of degree {n} and order {m} over the pixels of the "
                "region, weighted by intensity."
            ),
            reference=_REFERENCE,
            invariances=("translation", "quarter turn"),
        )
        for n, m in INDEXES
    ),
    *(
        Term(
            stat="phase",
            param=f"{n}_{m}",
            unit="rad",
            definition=(
                f"Angle atan2(real, imaginary) of the mean of Zernike's polynomial of degree {n} and order {m} over "
                "the pixels of the region, weighted by intensity."
            ),
            reference=_REFERENCE,
            invariances=("translation", "intensity scale"),
        )
        for n, m in INDEXES
    ),
)


def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
    """60 columns per channel."""
    return tuple(
        term.column(family=FAMILY, region=region, channels=(channel,)) for channel in channels for term in TERMS
    )


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure each channel in plain code; (N, 60·C) float64."""
    rows = [
        np.concatenate(
            [radial_zernike(pixels, mask=cell.masks[cell.plane(channel)]) for channel, pixels in enumerate(cell.pixels)]
        )
        for cell in cells(batch, region)
    ]
    return np.array(rows, dtype=np.float64).reshape(len(batch), len(batch.channels) * len(TERMS))


@register(name=FAMILY, profile="standard", columns=columns, plain=measure_plain, optional=True)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure each channel; (N, 60·C) float64."""
    check_fit(batch, region)
    found = np.empty((len(batch), len(batch.channels) * len(TERMS)))
    for stack in stacks(batch, region):
        measure_radial_zernike(
            stack.counts,
            stack.reals,
            stack.masks,
            stack.shapes,
            region.masks.planes,
            len(batch.channels),
            found[stack.cells],
        )
    return found


def radial_zernike(pixels: FloatArray, *, mask: BoolArray) -> FloatArray:
    """Measure the Zernike moments of the intensities v in a region of n pixels up to degree 9.

    A = Σ v R_nm(ρ) e^(imθ) / n on the smallest circle around the middles of the pixels, where ρ e^(iθ) = y + ix with y
    downwards. The magnitude is |A|, the phase atan2(Re A, Im A), as in CellProfiler: the phase of (1, 1) is the angle
    from the column axis to the brighter side.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool; components need not be connected.

    Returns
    -------
    FloatArray
        (60,) float64 in the order of `TERMS`: 30 magnitudes, 30 phases in rad. All NaN where the mask has less than two
        pixels or holds one that is no number. A phase is NaN where the magnitude is below 1e-9 of the mean magnitude of
        the pixels: the moment is zero but for rounding, and nothing has no angle.
    """
    if mask.sum() < 2 or not usable(pixels[mask]).all():
        return np.full(len(TERMS), np.nan)
    row, column, radius = enclosing_circle(mask)
    rows, columns_ = np.nonzero(mask)
    values = polynomials((columns_ - column) / radius, (rows - row) / radius)
    found = values @ pixels[mask] / len(rows)
    magnitude = np.abs(found)
    phase = np.arctan2(found.real, found.imag)
    phase[magnitude <= ROUNDING * np.abs(pixels[mask]).mean()] = np.nan
    return np.concatenate([magnitude, phase])
