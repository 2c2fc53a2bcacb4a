"""Matrices of grey levels against sizes: run lengths, zones, distances of zones, dependences of neighbours.

All take a level image: (H, W) int64, 1 to `number` in the region, 0 outside; and return counts whose element (i, j) is
the number of things of level i + 1 and size j + 1.
"""

import numpy as np
from scipy import ndimage as ndi
from skimage.measure import label

from tasks.core.types import FloatArray, IntArray
from tasks.features.definitions.emphases import GLDZM, GLRLM, GLSZM, NGLDM
from tasks.features.definitions.texture import DIRECTIONS
from tasks.features.plain.emphases import emphases

NEIGHBOURS = tuple((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0))
"""Rows and columns to the eight pixels at Chebyshev distance 1."""


def run_lengths(levels: IntArray, *, number: int) -> IntArray:
    """Count the runs of equal levels, for each direction by itself.

    Returns
    -------
    IntArray
        (4, number, S) int64 in the order of `DIRECTIONS`, S the larger side of the image.

    Examples
    --------
    >>> run_lengths(np.array([[1, 1, 2, 0, 2]]), number=2)[0].tolist()
    [[0, 1, 0, 0, 0], [2, 0, 0, 0, 0]]
    """
    height, width = levels.shape
    counts = np.zeros((len(DIRECTIONS), number, max(height, width)), dtype=np.int64)
    framed = np.pad(levels, 1)
    for direction, (down, right) in enumerate(DIRECTIONS):
        rows, columns = np.nonzero(framed)
        begin = framed[rows - down, columns - right] != framed[rows, columns]
        rows, columns, size = rows[begin], columns[begin], 1
        while rows.size:
            level = framed[rows, columns]
            goes_on = framed[rows + size * down, columns + size * right] == level
            counts[direction, :, size - 1] = np.bincount(level[~goes_on] - 1, minlength=number)
            rows, columns, size = rows[goes_on], columns[goes_on], size + 1
    return counts


def zone_sizes(levels: IntArray, *, number: int) -> IntArray:
    """Count the zones, 8-connected pixels of equal level, by their number of pixels; (number, S) int64.

    Examples
    --------
    >>> zone_sizes(np.array([[1, 2], [2, 1]]), number=2).tolist()
    [[0, 1], [0, 1]]
    """
    zones = label(levels, background=0, connectivity=2)
    return _matrix(_levels_of(levels, zones), np.bincount(zones.ravel())[1:], number=number)


def zone_distances(levels: IntArray, *, number: int, connectivity: int = 2) -> IntArray:
    """Count the zones by their distance from the border of the region; (number, S) int64.

    The distance of a pixel is the number of steps to a side neighbour that lead out of the region, or out of the image;
    1 for a pixel at the border. That of a zone is the smallest of its pixels.

    Parameters
    ----------
    levels, number
        As above.
    connectivity
        2: pixels that touch at a corner are of one zone, as the IBSI has it; 1: only those that share a side.

    Examples
    --------
    >>> zone_distances(np.array([[1, 1, 1], [1, 2, 1], [1, 1, 1]]), number=2).tolist()
    [[1, 0], [0, 1]]
    """
    zones = label(levels, background=0, connectivity=connectivity)
    distances = ndi.distance_transform_cdt(np.pad(levels > 0, 1), metric="taxicab")[1:-1, 1:-1]
    nearest = ndi.minimum(distances, zones, np.arange(1, zones.max() + 1)).astype(np.int64)
    return _matrix(_levels_of(levels, zones), nearest, number=number)


def dependences(levels: IntArray, *, number: int) -> IntArray:
    """Count the pixels by the number of their neighbours, and themselves, of equal level; (number, 9) int64.

    Neighbours are the eight pixels at Chebyshev distance 1, the coarseness is 0: only equal levels count.

    Examples
    --------
    >>> dependences(np.array([[1, 1, 2]]), number=2)[:, :3].tolist()
    [[0, 2, 0], [1, 0, 0]]
    """
    framed, inside = np.pad(levels, 1), levels > 0
    height, width = levels.shape
    equal = np.ones(levels.shape, dtype=np.int64)
    for down, right in NEIGHBOURS:
        equal += framed[1 + down : 1 + down + height, 1 + right : 1 + right + width] == levels
    counts = np.zeros((number, len(NEIGHBOURS) + 1), dtype=np.int64)
    np.add.at(counts, (levels[inside] - 1, equal[inside] - 1), 1)
    return counts


def _levels_of(levels: IntArray, zones: IntArray) -> IntArray:
    """Level of each zone, in the order of their labels."""
    _, first = np.unique(zones[zones > 0], return_index=True)
    return levels[zones > 0][first]


def _matrix(levels: IntArray, sizes: IntArray, *, number: int) -> IntArray:
    counts = np.zeros((number, int(sizes.max(initial=1))), dtype=np.int64)
    np.add.at(counts, (levels - 1, sizes - 1), 1)
    return counts


def glrlm(levels: IntArray, *, number: int) -> FloatArray:
    """Measure the lengths of runs of equal levels, averaged over four directions; (16,) float64.

    Like the following three it takes a region that has a pixel; `tasks.features.plain.emphases.emphases` has the
    formulas.
    """
    pixels = int((levels > 0).sum())
    per_direction = np.array(
        [emphases(matrix, pixels=pixels)[: len(GLRLM)] for matrix in run_lengths(levels, number=number)]
    )
    return np.asarray(per_direction.mean(axis=0), dtype=np.float64)


def glszm(levels: IntArray, *, number: int) -> FloatArray:
    """Measure the sizes of zones of equal level; (16,) float64."""
    return emphases(zone_sizes(levels, number=number), pixels=int((levels > 0).sum()))[: len(GLSZM)]


def gldzm(levels: IntArray, *, number: int) -> FloatArray:
    """Measure the distances of zones of equal level from the border of the region; (16,) float64."""
    return emphases(zone_distances(levels, number=number), pixels=int((levels > 0).sum()))[: len(GLDZM)]


def ngldm(levels: IntArray, *, number: int) -> FloatArray:
    """Measure the dependence of pixels on neighbours of equal level; (17,) float64."""
    return emphases(dependences(levels, number=number), pixels=int((levels > 0).sum()))[: len(NGLDM)]
