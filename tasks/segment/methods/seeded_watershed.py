"""Cells around nuclei: every seed grows over the bright area around it until it meets its neighbours."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from tasks.core.gpus import cupy_obstacle
from tasks.core.registry import Device
from tasks.core.types import AnyArray, LabelArray
from tasks.segment import plain
from tasks.segment.foreground import Foreground, Threshold, find_foreground
from tasks.segment.operations import Image, Labels, Mask, Operations
from tasks.segment.placing import on_device, operations_for
from tasks.segment.registry import ObjectMethod, segmenters
from tasks.segment.rehearsal import rehearse


class SeededWatershed(ObjectMethod):
    """Cells grown from seeds, one for each."""

    REFERENCES: ClassVar[tuple[str, ...]] = ("seeds",)

    method: Literal["seeded_watershed"] = "seeded_watershed"
    channel: str = Field(description="Channel that shows the whole cell.")
    seeds: str = Field(description="Earlier object from which each cell grows, such as nucleus; lies within the cell.")
    sigma: float = Field(default=1.0, ge=0, description="Gaussian smoothing before the threshold, in pixels.")
    threshold: Threshold = Field(default="li", description="How the level between background and cell is found.")
    window: float = Field(
        default=200.0,
        gt=0,
        description="For threshold: local: side in pixels of the surroundings with which a pixel is compared.",
    )
    threshold_correction: float = Field(
        default=1.0,
        gt=0,
        le=10,
        description="Factor on the height of the threshold above the background; below 1 gives larger cells.",
    )
    stiffness: float = Field(
        default=0.1,
        gt=0,
        description="Where cells touch: low follows edges in the image, high the middle between the seeds.",
    )
    max_distance: float | None = Field(
        default=None, gt=0, description="Farthest a cell reaches from its seed, in pixels; default no limit."
    )
    holes: Literal["fill", "keep"] = Field(default="fill", description="Whether holes in a cell are filled.")

    def load(self, *, device: Device) -> None:
        """Compile what finds objects on a GPU."""
        rehearse(self, device=device)


def seeded_watershed_plain(
    image: AnyArray, *, labels: Mapping[str, LabelArray], config: SeededWatershed, channels: Sequence[str]
) -> LabelArray:
    """Grow one cell from each seed by the plain code."""
    plane = image[list(channels).index(config.channel)]
    return grow(plane, seeds=labels[config.seeds], config=config, operations=plain)


@segmenters.register(SeededWatershed, plain=seeded_watershed_plain, gpu=cupy_obstacle)
def seeded_watershed(
    image: AnyArray,
    *,
    labels: Mapping[str, LabelArray],
    config: SeededWatershed,
    channels: Sequence[str],
    device: Device = "cpu",
) -> LabelArray:
    """Grow one cell from each seed.

    A pixel above the threshold goes to the seed from which it is reached at the least cost, each step costing
    ``stiffness + |gradient| / brightness of the cells`` times its length, as in Voronoi segmentation on an
    image's manifold [1]_. The watershed floods this arrival cost from the seeds.

    Parameters
    ----------
    image
        (C, H, W), any integer or float dtype. Pixels that are not finite belong to no cell unless they lie in a seed.
    labels
        Objects found before; that named ``config.seeds`` is used.
    config
        Parameters, lengths in pixels.
    channels
        C names.
    device
        Where the objects are found, and labels lie.

    Returns
    -------
    (H, W) int32
        Each cell has its seed's label, contains the whole seed, and is as connected as that. Where the channel is
        constant or holds no finite value, cells equal their seeds.

    References
    ----------
    .. [1] Jones, Carpenter & Golland, Computer Vision for Biomedical Image Applications (2005) 535-543.

    Examples
    --------
    >>> image = np.array([[[0, 0, 9, 9, 8, 9, 9, 0]]])
    >>> seeds = np.array([[0, 0, 1, 0, 0, 0, 2, 0]], dtype=np.int32)
    >>> config = SeededWatershed(name="cell", channel="RNA", seeds="nucleus", sigma=0)
    >>> seeded_watershed(image, labels={"nucleus": seeds}, config=config, channels=["RNA"])
    array([[0, 0, 1, 1, 1, 2, 2, 0]], dtype=int32)
    """
    plane = on_device(image[list(channels).index(config.channel)], device=device)
    seeds = on_device(labels[config.seeds], device=device)
    return grow(plane, seeds=seeds, config=config, operations=operations_for(plane))


def grow(plane: AnyArray, *, seeds: Labels, config: SeededWatershed, operations: Operations) -> Labels:
    """Grow the cells of `seeded_watershed` in their channel, by the operations of a device."""
    foreground = find_foreground(
        plane,
        sigma=config.sigma,
        threshold=config.threshold,
        window=config.window,
        correction=config.threshold_correction,
        operations=operations,
    )
    if foreground is None or not seeds.any():
        return seeds.copy()
    territory = foreground.bright | (seeds > 0)
    if config.max_distance is not None:
        territory &= operations.distance(seeds == 0) <= config.max_distance
    cost = _cost(territory, foreground=foreground, stiffness=config.stiffness, operations=operations)
    arrival = operations.arrival(cost, seeds=seeds, mask=territory)
    cells = operations.trace(arrival, cost=cost, seeds=seeds, mask=territory)
    cells = _connect(cells, seeds=seeds, operations=operations)
    cells = operations.flood(arrival, markers=cells, mask=territory)
    if config.holes == "keep":
        return cells
    filled = operations.fill_holes(cells)
    if foreground.finite is not None:
        filled = operations.xp.where(foreground.finite, filled, cells)
    return filled


def _connect(cells: Labels, *, seeds: Labels, operations: Operations) -> Labels:
    """Erase what is not 4-connected with its seed: what is reached across a corner between two other cells."""
    pieces = operations.largest_pieces(cells)
    areas = operations.areas(pieces)
    rooted = np.zeros(len(areas), dtype=np.bool_)
    inside = operations.areas(pieces * (seeds > 0))
    rooted[: len(inside)] = inside > 0
    if (areas > 0)[~rooted].any():
        pieces = operations.relabel(pieces, numbers=np.where(rooted, np.arange(len(areas)), 0))
    rest: Labels = operations.xp.where(seeds > 0, seeds, pieces)
    return rest


def _cost(territory: Mask, *, foreground: Foreground, stiffness: float, operations: Operations) -> Image:
    """(H, W) float32: what a step of one pixel costs."""
    brightness = operations.median(foreground.smooth, mask=territory) - foreground.background
    edges: Image = operations.xp.zeros(territory.shape, dtype=np.float32)
    if brightness > 0:  # cells no brighter than the background have no edges to follow
        edges = operations.sobel(foreground.smooth) / brightness
    return edges + np.float32(stiffness)
