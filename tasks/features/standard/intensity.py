"""Intensity in a region and in its rim, as it is and less the background."""

import numpy as np

from tasks.core.columns import Column
from tasks.core.types import Batch, BoolArray, FloatArray, Region
from tasks.features.cells import cells, check_fit, usable
from tasks.features.family import RegionInfo, Term, register
from tasks.features.intensity_terms import SHIFTED, view_terms
from tasks.features.kernels.intensity import LAYOUT, measure_intensity
from tasks.features.kernels.stacks import stacks
from tasks.features.rim import rim
from tasks.features.statistics import STATISTICS, statistics

FAMILY = "intensity"

TERMS = (
    *view_terms(view="", place="the pixels of the region"),
    *view_terms(view="bgcorr_", place="the pixels of the region less the background", wanted=SHIFTED),
    *view_terms(view="edge_", place="the pixels of the rim, which an erosion by a disk of 6 px removes"),
    *view_terms(
        view="bgcorr_edge_",
        place="the pixels of the rim, which an erosion by a disk of 6 px removes, less the background",
        wanted=SHIFTED,
    ),
    Term(
        stat="background",
        unit="intensity",
        definition="The background of the channel in this image, which the statistics named bgcorr subtract.",
        invariances=("quarter turn",),
    ),
    Term(
        stat="mass_displacement",
        unit="px",
        definition="Distance between the centroid of the region and its centroid weighted by intensity.",
        reference="CellProfiler 4.2, MeasureObjectIntensity, MassDisplacement",
        invariances=("translation", "quarter turn", "intensity scale"),
    ),
)

_SHIFTED = [STATISTICS.index(name) for name in SHIFTED]

_PLACES = np.array([LAYOUT.index(term.stat) for term in TERMS], dtype=np.int64)


def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
    """38 columns per channel."""
    return tuple(
        term.column(family=FAMILY, region=region, channels=(channel,)) for channel in channels for term in TERMS
    )


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure the intensities of each channel in plain code; (N, 38·C) float64."""
    rows = []
    for cell in cells(batch, region):
        rims = [rim(mask) for mask in cell.masks]
        rows.append(
            np.concatenate(
                [
                    intensity(
                        pixels,
                        mask=cell.masks[cell.plane(channel)],
                        edge=rims[cell.plane(channel)],
                        background=float(cell.background[channel]),
                    )
                    for channel, pixels in enumerate(cell.pixels)
                ]
            )
        )
    return np.array(rows, dtype=np.float64).reshape(len(batch), len(batch.channels) * len(TERMS))


@register(name=FAMILY, profile="standard", columns=columns, plain=measure_plain)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the intensities of each channel; (N, 38·C) float64."""
    check_fit(batch, region)
    found = np.empty((len(batch), len(batch.channels) * len(TERMS)))
    for stack in stacks(batch, region):
        measure_intensity(
            stack.counts,
            stack.reals,
            stack.whole,
            stack.masks,
            stack.shapes,
            region.masks.planes,
            stack.background,
            _PLACES,
            False,  # noqa: FBT003 - what is missing is NaN
            found[stack.cells],
        )
    return found


def intensity(pixels: FloatArray, *, mask: BoolArray, edge: BoolArray, background: float) -> FloatArray:
    """Summarise the region, the region less its background, and both in the rim.

    Only the statistics that a background changes are repeated less the background: spread and form of a distribution do
    not depend on where it lies.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask, edge
        (H, W) bool.
    background
        What to subtract; NaN makes the statistics less the background NaN.

    Returns
    -------
    FloatArray
        (38,) float64 in the order of `TERMS`: 11 statistics, 7 less the background, 11 of the rim, 7 of the rim less
        the background, the background, and the mass displacement. All NaN where the mask is empty or holds a pixel that
        is no number; those of the rim NaN where that is empty.
    """
    if not mask.any() or not usable(pixels[mask]).all():
        return np.full(len(TERMS), np.nan)
    return np.concatenate(
        [
            statistics(pixels[mask]),
            statistics(pixels[mask] - background)[_SHIFTED],
            statistics(pixels[edge]),
            statistics(pixels[edge] - background)[_SHIFTED],
            [background, mass_displacement(pixels, mask=mask)],
        ]
    )


def mass_displacement(pixels: FloatArray, *, mask: BoolArray) -> float:
    """Distance in pixels from the centroid of a region to its centroid weighted by intensity.

    |Σ v (x − x̄)| / Σ v over the pixels x of the region with values v; NaN where Σ v is not positive, for then the
    weights have no centre.

    Examples
    --------
    >>> mass_displacement(np.array([[1.0, 3.0]]), mask=np.array([[True, True]]))
    0.25
    """
    weights = pixels[mask]
    total = weights.sum()
    if total <= 0:
        return float("nan")
    positions = np.argwhere(mask) - np.argwhere(mask).mean(axis=0)
    return float(np.hypot(*(weights @ positions / total)))
