"""Texture as the published system measures it: co-occurrence along the diagonals, and the gradient."""

import numpy as np
from scipy import ndimage as ndi
from skimage.filters import sobel

from tasks.core.columns import Column
from tasks.core.types import Batch, BoolArray, FloatArray, IntArray, Region
from tasks.features.cells import cells, check_fit, usable
from tasks.features.cooccurrence import LEVELS, PROPERTIES, pair_counts, properties
from tasks.features.family import RegionInfo, register
from tasks.features.kernels.stacks import stacks
from tasks.features.kernels.texture import measure_texture
from tasks.features.texture_terms import GRADIENT, cooccurrence_term, gradient_terms

FAMILY = "texture"

STEPS = {3: 2, 5: 4}
"""Distance as it is named, and the rows and columns that it comes to on the diagonals: round(d/√2)."""

UNPAIRED = (0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""What stands for the six measures where there is no pair."""

TERMS = (
    *(
        cooccurrence_term(
            name=name,
            stat=f"glcm_{short}_{name}",
            scip=f"glcm_{short}_{name}_{distance}",
            distance=distance,
            over=over,
            pairs=f"pairs of pixels ({step}, {step}) and ({step}, -{step}) apart, named {distance} px",
        )
        for name in PROPERTIES
        for short, over in (("mean", "Mean"), ("std", "Standard deviation"))
        for distance, step in STEPS.items()
    ),
    *gradient_terms(place="the pixels whose 8 neighbours, reflected at the frame, all lie in the region"),
)


_OFFSETS = np.array([[(step, step), (step, -step)] for step in STEPS.values()], dtype=np.int64)
_REACH = int(_OFFSETS.max())


def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
    """28 columns per channel."""
    prefix = "combined_" if region.combined else ""
    return tuple(
        term.column(family=FAMILY, region=region, channels=(channel,), scip=f"{prefix}{term.scip}_{channel}")
        for channel in channels
        for term in TERMS
    )


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure the texture of each channel in plain code; (N, 28·C) float64."""
    rows = [
        np.concatenate(
            [texture(pixels, mask=cell.masks[cell.plane(channel)]) for channel, pixels in enumerate(cell.pixels)]
        )
        for cell in cells(batch, region)
    ]
    return np.array(rows, dtype=np.float64).reshape(len(batch), len(batch.channels) * len(TERMS))


@register(name=FAMILY, profile="scip", columns=columns, plain=measure_plain)
def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure the texture of each channel; (N, 28·C) float64."""
    check_fit(batch, region)
    found = np.empty((len(batch), len(batch.channels) * len(TERMS)))
    for stack in stacks(batch, region):
        measure_texture(
            stack.counts,
            stack.reals,
            stack.masks,
            stack.shapes,
            region.masks.planes,
            len(batch.channels),
            _OFFSETS,
            _REACH,
            True,  # noqa: FBT003 - as the published system has it
            found[stack.cells],
        )
    return found


def texture(pixels: FloatArray, *, mask: BoolArray) -> FloatArray:
    """Measure co-occurrence and gradient inside a mask; missing pixels count as outside.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool.

    Returns
    -------
    FloatArray
        (28,) float64: for each property mean at 3 and 5 px, then standard deviation at 3 and 5 px; then mean, standard
        deviation, maximum and minimum of the gradient. NaN for an empty mask; the gradient's NaN where no pixel has all
        its neighbours in the mask.
    """
    inside = mask & usable(pixels)
    if not inside.any():
        return np.full(len(TERMS), np.nan)
    levels = grey_levels(pixels, inside)
    means, deviations = [], []
    for step in STEPS.values():
        # 225° and 315° give the same symmetric counts as 45° and 135°, so two directions stand for four
        both = np.array([_measures(levels, inside, offset=(step, turn * step)) for turn in (1, -1)])
        means.append(both.mean(axis=0))
        deviations.append(both.std(axis=0))
    # the axes: property, mean or deviation, distance
    table = np.stack([np.array(means), np.array(deviations)]).transpose(2, 0, 1)
    return np.concatenate([table.ravel(), _gradient(pixels, inside)])


def grey_levels(pixels: FloatArray, inside: BoolArray) -> IntArray:
    """Levels 0 to 15: how many of 16 equidistant edges from minimum to maximum lie below the pixel; 0 outside."""
    values = pixels[inside]
    low, high = values.min(), values.max()
    if low == high:
        low, high = low - 0.5, high + 0.5
    levels = np.zeros(pixels.shape, dtype=np.int64)
    levels[inside] = np.searchsorted(np.linspace(low, high, LEVELS), values, side="left")
    return levels


def _measures(levels: IntArray, inside: BoolArray, *, offset: tuple[int, int]) -> FloatArray:
    """Six measures of one direction, with the original's values where there is no pair or no variance."""
    found = properties(pair_counts(levels, inside, offset=offset))
    return np.where(np.isnan(found), UNPAIRED, found)


def _gradient(pixels: FloatArray, inside: BoolArray) -> FloatArray:
    """Summarise the gradient where all 8 neighbours are inside; the pixel itself has no weight and may be outside."""
    neighbours = np.ones((3, 3), dtype=bool)
    neighbours[1, 1] = False
    whole = ndi.minimum_filter(inside.astype(np.uint8), footprint=neighbours, mode="reflect").astype(bool)
    if not whole.any():
        return np.full(len(GRADIENT), np.nan)
    values = sobel(np.where(inside, pixels, 0.0))[whole]
    return np.array([values.mean(), values.std(), values.max(), values.min()])
