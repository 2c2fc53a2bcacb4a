"""Cells around nuclei: every seed grows over the bright area around it until it meets its neighbours."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from tasks.core.types import AnyArray, BoolArray, FloatArray, LabelArray
from tasks.segment.foreground import Foreground, Threshold, find_foreground
from tasks.segment.label_images import fill_holes
from tasks.segment.registry import ObjectMethod, segmenters


class SeededWatershed(ObjectMethod):
    """Cells grown from seeds, one for each."""

    REFERENCES: ClassVar[tuple[str, ...]] = ("seeds",)

    method: Literal["seeded_watershed"] = "seeded_watershed"
    channel: str = Field(description="Channel that shows the whole cell.")
    seeds: str = Field(description="Earlier object from which each cell grows, such as nucleus; lies within the cell.")
    sigma: float = Field(default=1.0, ge=0, description="Gaussian smoothing before the threshold, in pixels.")
    threshold: Threshold = Field(default="li", description="How the level between background and cell is found.")
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


@segmenters.register(SeededWatershed)
def seeded_watershed(
    image: AnyArray, *, labels: Mapping[str, LabelArray], config: SeededWatershed, channels: Sequence[str]
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
    from scipy import ndimage
    from skimage import segmentation

    seeds = labels[config.seeds]
    plane = image[list(channels).index(config.channel)]
    foreground = find_foreground(
        plane, sigma=config.sigma, threshold=config.threshold, correction=config.threshold_correction
    )
    if foreground is None or not seeds.any():
        return seeds.copy()
    territory = foreground.bright | (seeds > 0)
    if config.max_distance is not None:
        territory &= ndimage.distance_transform_edt(seeds == 0) <= config.max_distance
    cost = _arrival_cost(territory, seeds=seeds, foreground=foreground, stiffness=config.stiffness)
    cells = np.asarray(segmentation.watershed(cost, seeds, mask=territory), dtype=np.int32)
    if config.holes == "fill":
        cells = np.where(foreground.finite, fill_holes(cells), cells)
    return cells


def _arrival_cost(territory: BoolArray, *, seeds: LabelArray, foreground: Foreground, stiffness: float) -> FloatArray:
    """(H, W) float64: least cost of reaching each pixel of the territory from any seed; 0 where none can."""
    from skimage.filters import sobel
    from skimage.graph import MCP_Geometric

    brightness = float(np.median(foreground.smooth[territory])) - foreground.background
    # cells no brighter than the background have no edges to follow
    edges = sobel(foreground.smooth) / brightness if brightness > 0 else np.zeros(territory.shape)
    step = np.where(territory, stiffness + edges, -1.0)  # negative: may not be entered
    arrival, _ = MCP_Geometric(step).find_costs(np.argwhere(seeds > 0))
    return np.where(np.isfinite(arrival), arrival, 0.0)
