"""Granularity spectrum: how much of the signal lies in grains of each size."""

import numpy as np
from skimage.morphology import disk, erosion, reconstruction

from tasks.core.columns import Column
from tasks.core.types import Batch, BoolArray, FloatArray, Region
from tasks.features.cells import cells, check_fit, usable
from tasks.features.family import RegionInfo, Term, register
from tasks.features.kernels.granularity import measure_granularity
from tasks.features.kernels.stacks import stacks

FAMILY = "granularity"

SCALES = 16
"""Radii in pixels, from 1 on."""

CROSS = disk(1)
"""A pixel and the four beside it: applied r times it is a diamond of radius r."""

TERMS = tuple(
    Term(
        stat=str(radius),
        unit="%",
        definition=(
            "Signal that an opening by reconstruction with a diamond of radius "
            f"{radius} px removes beyond that of the radius before, in % of all signal; "
            "the signal is the region less the background, not below 0."
        ),
        reference="Serra 1982; Vincent 1992; CellProfiler 4.2, MeasureGranularity",
        invariances=("translation", "quarter turn", "intensity shift", "intensity scale"),
    )
    for radius in range(1, SCALES + 1)
)


def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
    """16 columns per channel."""
    return tuple(
        term.column(family=FAMILY, region=region, channels=(channel,)) for channel in channels for term in TERMS
    )


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure the spectrum of each channel in plain code; (N, 16·C) float64."""
    rows = [
        np.concatenate(
            [
                granularity(pixels, mask=cell.masks[cell.plane(channel)], background=float(cell.background[channel]))
                for channel, pixels in enumerate(cell.pixels)
            ]
        )
        for cell in cells(batch, region)
    ]
    return np.array(rows, dtype=np.float64).reshape(len(batch), len(batch.channels) * SCALES)


@register(name=FAMILY, profile="standard", columns=columns, plain=measure_plain, optional=True)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the spectrum of each channel; (N, 16·C) float64."""
    check_fit(batch, region)
    found = np.empty((len(batch), len(batch.channels) * SCALES))
    for stack in stacks(batch, region):
        measure_granularity(
            stack.counts,
            stack.reals,
            stack.masks,
            stack.shapes,
            region.masks.planes,
            stack.background,
            SCALES,
            found[stack.cells],
        )
    return found


def granularity(pixels: FloatArray, *, mask: BoolArray, background: float) -> FloatArray:
    """Measure the granularity spectrum of one region.

    The signal is f = max(v − background, 0) inside the region and 0 outside. With f ⊖ rB its erosion by a diamond of
    radius r and R its reconstruction by dilation under f (4-connected), the element r is
    100·(Σ R(f ⊖ (r−1)B) − Σ R(f ⊖ rB)) / Σ f. The sum over all radii is at most 100; what is missing there lies in
    grains larger than the largest radius.

    CellProfiler measures a whole image, at a quarter of its resolution and less a coarse opening of it, which leaves of
    a single cell a handful of pixels. Here one cell is measured at full resolution, alone: its region on nothing, less
    the background that all features share. What lies beyond the frame counts neither as signal nor as gap.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool; components need not be connected.
    background
        What to subtract.

    Returns
    -------
    FloatArray
        (16,) float64, per cent. All NaN where the mask is empty or holds a pixel that is no number, where the
        background is no number (a region that fills its stamp has none), and where no pixel is above it.

    References
    ----------
    J. Serra, Image Analysis and Mathematical Morphology, 1982; L. Vincent, Morphological grayscale reconstruction in
    image analysis, IEEE Trans. Image Processing 2, 1993.

    Examples
    --------
    >>> pixels = np.zeros((5, 9))
    >>> pixels[1:4, 1:4], pixels[2, 6] = 1, 3  # a square of 9 px, and a brighter pixel
    >>> granularity(pixels, mask=np.ones((5, 9), dtype=bool), background=0.0)[:3]
    array([25., 75.,  0.])
    """
    if not mask.any() or not usable(pixels[mask]).all() or not abs(background) < np.inf:
        return np.full(SCALES, np.nan)
    signal = np.maximum(np.where(mask, pixels, background) - background, 0.0)
    total = signal.sum()
    if total <= 0:
        return np.full(SCALES, np.nan)
    found = np.zeros(SCALES)
    eroded, before = signal, total
    for scale in range(SCALES):
        eroded = erosion(eroded, CROSS)
        kept = reconstruction(eroded, signal, footprint=CROSS).sum()
        found[scale] = 100 * (before - kept) / total
        before = kept
    return found
