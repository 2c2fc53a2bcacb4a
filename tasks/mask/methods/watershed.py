"""Mask ``watershed``: the cell floods from where the gradient is steep, the background from where it is not."""

from typing import Literal

import numpy as np
from pydantic import Field

from tasks.core.types import AnyArray, Batch, BoolArray, Ragged
from tasks.mask.channelwise import is_finite, mask_blocks, mask_each, unit_scale
from tasks.mask.cleaning import drop_small, fill_holes
from tasks.mask.compact_watershed import compact_watershed
from tasks.mask.kernels.blocks import Block
from tasks.mask.kernels.flood_integral import distances
from tasks.mask.kernels.watershed import HOLE_AREA, mask_watershed
from tasks.mask.registry import MaskMethod, masks


class Watershed(MaskMethod):
    """Watershed from steep and flat parts of the image."""

    method: Literal["watershed"] = Field(
        default="watershed",
        description="Watershed of the pixels, from markers where the gradient is steep (cell) and flat (background).",
    )


def watershed_plain(batch: Batch, config: Watershed) -> Ragged:
    """Masks of a batch by the plain code: bool, C channels."""
    del config
    return mask_each(batch, lambda image, _: watershed_mask(image))


@masks.register(Watershed, plain=watershed_plain)
def watershed(batch: Batch, config: Watershed) -> Ragged:
    """Masks of a batch: bool, C channels."""
    del config

    def mask(block: Block, out: BoolArray, certain: BoolArray) -> None:
        mask_watershed(block.pixels, block.shapes, len(batch.channels), distances(), out, certain)

    return mask_blocks(batch, mask, plain=lambda image, _: watershed_mask(image))


def watershed_mask(image: AnyArray) -> BoolArray:
    """Mask the cell in one channel of a stamp.

    Sobel magnitude → grey closing with a disk of radius 2 → markers: background below half of Otsu's threshold of that
    map (256 bins), cell above one and a half times it → watershed of the pixels from these → the cell's basin, or the
    background's where no marker of a cell exists → holes of fewer than 300 pixels are filled → grown by one pixel (to
    the 4 neighbours) → objects of fewer than 20 pixels are dropped.

    The watershed is compact: the pixel with the lowest value + distance to the marker's pixel that it is reached from
    is flooded first, in units of pixels each. So scaling the pixels changes the mask, and pixels of a narrow range,
    such as 0 to 1, are divided by distance more than by brightness.

    Parameters
    ----------
    image
        (H, W) pixels of any integer or float dtype.

    Returns
    -------
    BoolArray
        (H, W); empty where there is no marker, as in a constant image, or where pixels are NaN or infinite.

    References
    ----------
    Neubert and Protzel, Compact watershed and preemptive SLIC, ICPR 2014; Otsu, A threshold selection method from
    gray-level histograms, IEEE Transactions on Systems, Man, and Cybernetics 9(1), 1979; combined so in the published
    system SCIP (bioRxiv 2022.10.24.512549).

    Examples
    --------
    >>> image = np.zeros((30, 30), dtype=np.uint16)
    >>> image[8:20, 10:22] = 500
    >>> mask = watershed_mask(image)
    >>> int(mask.sum()), bool(mask[14, 16])
    (248, True)
    """
    from scipy.ndimage import binary_dilation
    from skimage.filters import sobel, threshold_otsu
    from skimage.morphology import closing, disk

    nothing = np.zeros(image.shape, dtype=np.bool_)
    if image.size == 0 or not is_finite(image):
        return nothing
    # Otsu's bins depend on the last bits of the gradient; the factor gives 16-bit pixels those of the published system.
    gradient = sobel(unit_scale(image)[0] * (1 / 65535), mode="reflect")
    steepness = closing(gradient, disk(2), mode="reflect")
    if steepness.max() <= 1.5 * steepness.min():
        return nothing  # no marker, whatever threshold lies between; and the range may be too narrow for 256 bins
    threshold = threshold_otsu(steepness)
    markers = np.zeros(image.shape, dtype=np.int32)
    markers[steepness < 0.5 * threshold] = 1
    markers[steepness > 1.5 * threshold] = 2
    if not markers.any():
        return nothing
    basins = compact_watershed(image.astype(np.float64), markers)
    filled = fill_holes(basins == basins.max(), area=HOLE_AREA)
    return drop_small(binary_dilation(filled))
