"""Radial distribution: how the intensity lies between the centre of a region and its edge."""

import numpy as np
from scipy import ndimage as ndi
from skimage.graph import MCP_Geometric

from tasks.core.types import BoolArray, FloatArray, IntArray
from tasks.features.cells import valid_pixels
from tasks.features.definitions.radial_distribution import OFFSET, RADIAL_DISTRIBUTION, RINGS, WEDGES


def sectors_of(mask: BoolArray) -> IntArray:
    """Divide a region into 4 rings of 8 wedges.

    The centre is the pixel that is farthest from the edge (Euclidean distance to the nearest pixel outside; the frame
    is no edge), of several the first in raster order. With p the length of the shortest way from the centre to a pixel
    within the region, in steps of 1 and √2, and d its distance from the edge, the ring is ⌊4 p/(p + d + 0.001)⌋. The
    wedge follows from the signs of row and column as seen from the centre and from which of the two is larger.

    Returns
    -------
    IntArray
        (H, W) int64, 8·ring + wedge; −1 outside the region and where no way leads (other components). All −1 where the
        mask is empty, or fills the frame and so has no edge.
    """
    sectors = np.full(mask.shape, -1, dtype=np.int64)
    if not mask.any() or mask.all():
        return sectors
    edge = ndi.distance_transform_edt(mask)
    row, column = np.unravel_index(int(np.argmax(edge)), mask.shape)
    path = MCP_Geometric(np.where(mask, 1.0, np.inf)).find_costs([(row, column)])[0]
    reached = np.isfinite(path)
    rows, columns_ = np.nonzero(reached)
    down, right = rows - int(row), columns_ - int(column)
    wedge = (down > 0) + 2 * (right > 0) + 4 * (np.abs(down) > np.abs(right))
    ring = RINGS * (path[reached] / (path[reached] + edge[reached] + OFFSET))
    sectors[reached] = WEDGES * ring.astype(np.int64) + wedge
    return sectors


def radial_distribution(pixels: FloatArray, *, mask: BoolArray) -> FloatArray:
    """Measure the intensities in rings.

    Parameters
    ----------
    pixels
        (H, W) float64.
    mask
        (H, W) bool.

    Returns
    -------
    FloatArray
        (12,) float64 in the order of the definitions: with s the sum and n the number of pixels per ring, s/Σs,
        (s/Σs)/(n/Σn), and the population standard deviation over the mean of the wedges' mean intensities, of those
        wedges that hold a pixel. All NaN where the region is empty, holds a pixel that is no number, has no edge, or
        where Σs is not positive; the mean fraction NaN in a ring without pixels, the variation also where the mean is
        not positive.
    """
    sectors = sectors_of(mask)
    if (sectors < 0).all() or not valid_pixels(pixels[mask]).all():
        return np.full(len(RADIAL_DISTRIBUTION), np.nan)
    inside = sectors >= 0
    shape = RINGS, WEDGES
    sums = np.bincount(sectors[inside], weights=pixels[inside], minlength=RINGS * WEDGES).reshape(shape)
    counts = np.bincount(sectors[inside], minlength=RINGS * WEDGES).reshape(shape)
    if sums.sum() <= 0:
        return np.full(len(RADIAL_DISTRIBUTION), np.nan)
    fraction = sums.sum(axis=1) / sums.sum()
    relative, variation = np.full(RINGS, np.nan), np.full(RINGS, np.nan)
    for ring in range(RINGS):
        held = counts[ring] > 0
        if held.any():
            relative[ring] = fraction[ring] * counts.sum() / counts[ring].sum()
            means = sums[ring, held] / counts[ring, held]
            if means.mean() > 0:
                variation[ring] = means.std() / means.mean()
    return np.concatenate([fraction, relative, variation])
