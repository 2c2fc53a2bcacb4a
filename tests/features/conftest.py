"""Cells of several channels that all tests of features share."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from tasks.core.types import Batch, Ragged, Region

Cells = tuple[Batch, list[Region]]
"""Stamps, and the regions ``li`` (a mask per channel) and ``li.combined`` (shared)."""


def draw(*, count: int, channels: int) -> Cells:
    """Draw irregular cells of several components and holes, clear of the frame."""
    rng = np.random.default_rng(3)
    images, masks = [], []
    for number in range(count):
        height, width = 26 + number, 31 - number
        rows, columns = np.mgrid[:height, :width]
        distance = np.hypot((rows - 13) / 9.5, (columns - 13) / 7.5)
        noise = ndi.gaussian_filter(rng.normal(size=(channels, height, width)), (0, 2, 2))
        masks.append((distance + noise < 1) & (distance < 1.2))
        images.append(rng.integers(50, 4000, size=(channels, height, width)).astype(np.uint16))
    background = rng.uniform(20, 90, size=(count, channels))
    combined = [np.logical_or.reduce(mask, axis=0, keepdims=True) for mask in masks]
    return Batch.of(images, channels=[f"c{number}" for number in range(channels)]), [
        Region(name="li", shared=False, masks=Ragged.of(masks), background=background),
        Region(name="li.combined", shared=True, masks=Ragged.of(combined), background=background + 1),
    ]


@pytest.fixture(scope="session")
def cells() -> Cells:
    """Three stamps of two channels."""
    return draw(count=3, channels=2)


@pytest.fixture(scope="session")
def dozen_cells() -> Cells:
    """Twelve stamps of one channel; one in two has a hole, the others are darkest in their middle."""
    batch, regions = draw(count=12, channels=1)
    for number, (image, mask) in enumerate(zip(batch.pixels.unstack(), regions[0].masks.unstack(), strict=True)):
        mask[0, 12:15, 12:15] = True
        if number % 2:
            mask[0, 13, 13] = False
        else:
            image[0, 13, 13] = 1
    return batch, regions


@pytest.fixture(scope="session", params=[1, 2, 3, 12])
def cells_of_channels(request: pytest.FixtureRequest) -> Cells:
    """One stamp of one to twelve channels."""
    return draw(count=1, channels=request.param)
