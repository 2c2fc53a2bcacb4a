"""Number of pixels in the convex hull of a region."""

from itertools import pairwise

import numpy as np

from tasks.core.types import BoolArray


def hull_area(mask: BoolArray) -> int:
    """Count the pixels whose middles lie in the convex hull of the middles of the region's pixels' edges, or on it.

    It is the number of pixels of scikit-image's ``convex_hull_image``, found in whole numbers: coordinates are counted
    in halves of a pixel.

    Parameters
    ----------
    mask
        (H, W) bool with a pixel in it.

    Examples
    --------
    >>> hull_area(np.array([[1, 0, 0], [1, 0, 0], [1, 1, 1]], dtype=bool))
    6
    """
    rows = np.flatnonzero(mask.any(axis=1)).tolist()
    first = mask.argmax(axis=1).tolist()
    last = (mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)).tolist()
    left = _rows_reached(_side(_outermost([(row, first[row]) for row in rows])))
    # the right side is the left one in the mirror
    right = _rows_reached(_side(_outermost([(row, -last[row]) for row in rows])))
    return sum(1 - one - other for one, other in zip(left, right, strict=True))


Points = list[tuple[int, int]]
"""Of rows and columns, from top to bottom."""


def _outermost(pixels: Points) -> Points:
    """Leftmost middles of edges, in halves of a pixel, of the first pixel of each row that has pixels.

    What lies right of the line between two others, or on it, is left out where that is plain to see.
    """
    above, column = pixels[0]
    points = [(2 * above - 1, 2 * column)]
    for row, here in pixels:
        if row - above > 1:
            points += [(2 * above + 1, 2 * column), (2 * row - 1, 2 * here)]
        elif not -2 < here - column < 2:
            points.append((2 * row - 1, 2 * min(here, column)))
        points.append((2 * row, 2 * here - 1))
        above, column = row, here
    points.append((2 * above + 1, 2 * column))
    return points


def _side(points: Points) -> Points:
    """Corners of the hull's left side."""
    chain: Points = []
    for place, reach in points:
        while len(chain) > 1:
            (top, above), (middle, between) = chain[-2:]
            # a corner stays if it lies left of the line from the one above it to the next
            if (between - above) * (place - top) < (reach - above) * (middle - top):
                break
            chain.pop()
        chain.append((place, reach))
    return chain


def _rows_reached(chain: Points) -> list[int]:
    """First column in the hull, of each row of pixels from the topmost to the lowest."""
    columns: list[int] = []
    for (top, above), (bottom, below) in pairwise(chain):
        height, run = bottom - top, below - above
        places = range(top + top % 2, bottom, 2)
        # half of the line's place there, rounded up
        columns += [-(-(above * height + run * (place - top)) // (2 * height)) for place in places]
    return columns
