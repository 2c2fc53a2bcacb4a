"""Family ``colocalization``: how the intensities of two channels lie together in a region that they share."""

from itertools import combinations

import numpy as np

from tasks.core.columns import Column
from tasks.core.types import Batch, FloatArray, Region
from tasks.features.blocks import blocks
from tasks.features.cells import cells, check_fit
from tasks.features.definitions.colocalization import DIRECTED, PER_PAIR, SYMMETRIC
from tasks.features.family import Family, RegionInfo, register

FAMILY = "colocalization"


def columns(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
    """11 columns per pair of channels; none where each channel has a mask of its own."""
    if not region.shared:
        return ()
    out: list[Column] = []
    for first, second in combinations(channels, 2):
        out += [term.column(family=FAMILY, region=region, channels=(first, second)) for term in SYMMETRIC]
        for term in DIRECTED:
            out += [
                term.column(family=FAMILY, region=region, channels=pair) for pair in ((first, second), (second, first))
            ]
    return tuple(out)


def measure_plain(batch: Batch, region: Region) -> FloatArray:
    """Measure each pair of channels in plain code; (N, 11·C(C−1)/2) float64, (N, 0) in a region that is not shared."""
    from tasks.features.plain.colocalization import colocalization

    pairs = list(combinations(range(len(batch.channels)), 2)) if region.shared else []
    rows = [
        np.concatenate(
            [np.empty(0), *(colocalization(cell.pixels[a], cell.pixels[b], mask=cell.masks[0]) for a, b in pairs)]
        )
        for cell in cells(batch, region)
    ]
    return np.array(rows, dtype=np.float64).reshape(len(batch), len(pairs) * PER_PAIR)


def measure(batch: Batch, region: Region) -> FloatArray:
    """Measure each pair of channels; (N, 11·C(C−1)/2) float64, (N, 0) in a region that is not shared."""
    from tasks.features.kernels.colocalization import measure_colocalization

    check_fit(batch, region)
    channels = len(batch.channels) if region.shared else 0
    out = np.empty((len(batch), channels * (channels - 1) // 2 * PER_PAIR))
    if out.shape[1]:
        for block in blocks(batch, region):
            measure_colocalization(block.counts, block.reals, block.masks, block.shapes, channels, out[block.cells])
    return out


register(
    Family(
        name=FAMILY,
        description="How the intensities of two channels lie together in a region that they share.",
        columns=columns,
        measure=measure,
        plain=measure_plain,
        optional=True,
    )
)
