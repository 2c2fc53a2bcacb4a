"""Intensity as the published system measures it: eleven statistics in four views of a mask."""

import numpy as np

from tasks.core.columns import Column
from tasks.core.types import Batch, BoolArray, FloatArray, Region
from tasks.features.cells import cells, check_fit
from tasks.features.family import RegionInfo, register
from tasks.features.intensity_terms import view_terms
from tasks.features.kernels.intensity import LAYOUT, measure_intensity
from tasks.features.kernels.stacks import stacks
from tasks.features.rim import rim
from tasks.features.statistics import STATISTICS, statistics

FAMILY = "intensity"

TERMS = (
    *view_terms(view="", place="the pixels of the region"),
    *view_terms(view="bgcorr_", place="the pixels of the region less the background"),
    *view_terms(view="edge_", place="the pixels of the rim, which an erosion by a disk of 6 px removes"),
    *view_terms(
        view="bgcorr_edge_",
        place="the pixels of the rim, which an erosion by a disk of 6 px removes, less the background",
    ),
)

_PLACES = np.array([LAYOUT.index(term.stat) for term in TERMS], dtype=np.int64)


def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
    """44 columns per channel."""
    prefix = "combined_" if region.combined else ""
    return tuple(
        term.column(family=FAMILY, region=region, channels=(channel,), scip=f"{prefix}{term.scip}_{channel}")
        for channel in channels
        for term in TERMS
    )


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure the intensities of each channel in plain code; (N, 44·C) float64."""
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


@register(name=FAMILY, profile="scip", columns=columns, plain=measure_plain)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the intensities of each channel; (N, 44·C) float64."""
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
            True,  # noqa: FBT003 - an empty mask is silently 0
            found[stack.cells],
        )
    return found


def intensity(pixels: FloatArray, *, mask: BoolArray, edge: BoolArray, background: float) -> FloatArray:
    """Summarise the mask, the mask less the background, the edge and the edge less the background.

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
        (44,) float64; zeros for the views of an empty mask or edge.
    """
    views = (pixels[mask], pixels[mask] - background, pixels[edge], pixels[edge] - background)
    return np.concatenate([statistics(view) if view.size else np.zeros(len(STATISTICS)) for view in views])
