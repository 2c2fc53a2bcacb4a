"""The watershed of `segment`, defined without any order of execution, so that every device gives the same labels."""

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import compiled, inner
from tasks.core.types import BoolArray, LabelArray

Heights = npt.NDArray[np.float32]

INFINITE = np.int32(0x7F800000)
"""Key of the infinite height."""
UNSEEN = np.int32(0x7FFFFFFE)
"""Level of a pixel of the mask that no marker has reached."""
WALL = np.int32(0x7FFFFFFF)
"""Level of what cannot be flooded."""
FAR = np.int32(0x7FFFFFFF)
"""Hops of a pixel whose hops are not known."""


class Landscape(NamedTuple):
    """Flat images with a frame of one pixel: heights as keys of the same order, levels, hops and labels.

    Beside a lower pixel hops are 1, which is kept as 0: next to all pixels of most images have it. Markers have −1.
    """

    keys: LabelArray
    levels: LabelArray
    hops: LabelArray
    labels: LabelArray


def flood(height: Heights, *, markers: LabelArray, mask: BoolArray) -> LabelArray:
    """Flood a mask from markers, low places first.

    A path is a sequence of 4-connected pixels of the mask. Of each pixel p that a path joins with a marker,

    1. level(p) is the least, over all paths from any marker to p, of the greatest height on the path, both ends
       included (the minimax);
    2. hops(p) is 0 at a marker; else it is the least number of steps from p, through pixels of the same level, to a
       marker of that level or to a pixel of lower level;
    3. the flood reaches pixels in the order of (level, hops, raster index);
    4. a marker keeps its label; every other pixel has that of the one of its 4 neighbors which the flood reaches first.

    Each step names a property of the input, not a way to find it, so that any algorithm gives the same labels.

    Parameters
    ----------
    height
        (H, W) float32; the lowest pixels are flooded first. NaN counts as infinitely high, −0 as 0.
    markers
        (H, W) int32; not 0: a marker. Markers outside the mask do not count.
    mask
        (H, W) bool; what may be flooded.

    Returns
    -------
    (H, W) int32
        Labels of the markers; 0 outside the mask and where no marker reaches.

    Raises
    ------
    ValueError
        The three images differ in shape, or are not two-dimensional.

    Notes
    -----
    Where all heights differ and every basin has a marker this is the watershed by flooding of scikit-image. Elsewhere
    that depends on the age of the entries in its queue.

    Examples
    --------
    >>> height = np.array([[3, 1, 2, 5, 4, 0, 9]], dtype=np.float32)
    >>> markers = np.array([[0, 1, 0, 0, 0, 2, 0]], dtype=np.int32)
    >>> flood(height, markers=markers, mask=height < 9)
    array([[1, 1, 1, 1, 2, 2, 0]], dtype=int32)
    """
    if height.ndim != 2 or not height.shape == markers.shape == mask.shape:
        raise ValueError(
            f"got height {height.shape}, markers {markers.shape} and mask {mask.shape}; expected three images (H, W) "
            "of one shape"
        )
    # zeros of numpy cost nothing where nothing is written
    labels = np.zeros(height.shape, np.int32)
    framed = (height.shape[0] + 2) * (height.shape[1] + 2)
    land = Landscape(*(np.zeros(framed, np.int32) for _ in Landscape._fields))
    # one layout and one type of each, so that one compiled form serves all
    _flood(
        np.ascontiguousarray(height, dtype=np.float32),
        np.ascontiguousarray(markers, dtype=np.int32),
        np.ascontiguousarray(mask, dtype=np.bool_),
        land,
        labels,
    )
    return labels


@compiled
def _flood(height: Heights, markers: LabelArray, mask: BoolArray, land: Landscape, out: LabelArray) -> None:
    """Flood into `out`, which is all 0, over a landscape that holds nothing but zeros."""
    # each pixel is put there once at most
    stack = np.empty(mask.size, np.int32)
    stride = mask.shape[1] + 2
    count = _prepare(height.view(np.int32), markers, mask, land, stack)
    _raise_levels(land, stride, stack, count)
    _count_hops(mask, land, stack)
    _follow(mask, land, stack, out)


@inner
def _prepare(bits: LabelArray, markers: LabelArray, mask: BoolArray, land: Landscape, stack: LabelArray) -> int:
    """Fill the landscape, and the stack with the markers; return their number.

    The bits of a float of positive sign, read as a whole number, order like the float, those of negative sign in
    reverse.
    """
    keys, levels, hops, labels = land
    rows, columns = mask.shape
    levels[:] = WALL
    count = 0
    for row in range(rows):
        start = (row + 1) * (columns + 2) + 1
        for column in range(columns):
            if not mask[row, column]:
                continue
            at = start + column
            key = bits[row, column]
            magnitude = key & np.int32(0x7FFFFFFF)
            if magnitude > INFINITE:
                key = INFINITE
            elif key < 0:
                key = np.int32(-magnitude)
            keys[at] = key
            levels[at] = UNSEEN
            if markers[row, column] != 0:
                levels[at], labels[at], hops[at] = key, markers[row, column], -1
                stack[count] = at
                count += 1
    return count


@inner
def _raise_levels(land: Landscape, stride: int, stack: LabelArray, count: int) -> None:
    """Find the levels of all that the markers in the stack reach.

    Upward, a pixel's level is its own height, in whatever order pixels are seen. Only where it goes down, into a basin
    without a marker, the flood has to wait in a heap until it is nowhere lower: the basin then has the level of its
    lowest pass.
    """
    levels = land.levels
    passes = np.empty(len(stack), np.int32)
    # entries are level · 2³² + pixel; an entry that goes again gives the list its type
    heap = [np.int64(0)]
    heap.clear()
    number = _climb(land, stride, stack, count, int(-WALL), passes)
    while True:
        for index in range(number):
            pixel = passes[index]
            # most basins have been reached from another side since
            if UNSEEN in (levels[pixel - stride], levels[pixel - 1], levels[pixel + 1], levels[pixel + stride]):
                heappush(heap, (np.int64(levels[pixel]) << 32) | np.int64(pixel))
        if not heap:
            return
        pixel = np.int32(heappop(heap) & np.int64(0x7FFFFFFF))
        count = 0
        for neighbor in (pixel - stride, pixel - 1, pixel + 1, pixel + stride):
            if levels[neighbor] == UNSEEN:
                levels[neighbor] = levels[pixel]
                stack[count] = neighbor
                count += 1
        number = _climb(land, stride, stack, count, int(levels[pixel]), passes)


@inner
def _climb(land: Landscape, stride: int, stack: LabelArray, count: int, low: int, passes: LabelArray) -> int:
    """Set the level of what is reached upward from the pixels in the stack, and list those that led down then.

    What is lower than `low` and in reach has that level.
    """
    keys, levels = land.keys, land.levels
    number = 0
    while count > 0:
        count -= 1
        pixel = stack[count]
        level = levels[pixel]
        down = False
        for neighbor in (pixel - stride, pixel - 1, pixel + 1, pixel + stride):
            if levels[neighbor] == UNSEEN:
                if keys[neighbor] >= level or level == low:
                    levels[neighbor] = max(keys[neighbor], low)
                    stack[count] = neighbor
                    count += 1
                else:
                    down = True
        if down:
            passes[number] = pixel
            number += 1
    return number


@inner
def _count_hops(mask: BoolArray, land: Landscape, flat: LabelArray) -> None:
    """Count the hops of pixels that are neither markers nor beside a lower one."""
    _, levels, hops, _ = land
    stride = mask.shape[1] + 2
    number = _list_flat(mask, land, flat)
    queue = np.empty(number, np.int32)
    stop = 0
    for hop in (-1, 0):
        stop = 0
        for index in range(number):
            pixel = flat[index]
            if hops[pixel] != FAR:
                continue
            for neighbor in (pixel - stride, pixel - 1, pixel + 1, pixel + stride):
                if levels[neighbor] == levels[pixel] and hops[neighbor] == hop:
                    hops[pixel] = hop + 1
            if hops[pixel] != FAR:
                queue[stop] = pixel
                stop += 1
    # those of two hops are in the queue, so all that follow are put there in order
    start = 0
    while start < stop:
        pixel = queue[start]
        start += 1
        for neighbor in (pixel - stride, pixel - 1, pixel + 1, pixel + stride):
            if levels[neighbor] == levels[pixel] and hops[neighbor] == FAR:
                hops[neighbor] = hops[pixel] + 1
                queue[stop] = neighbor
                stop += 1


@inner
def _list_flat(mask: BoolArray, land: Landscape, flat: LabelArray) -> int:
    """List the pixels that are neither markers nor beside a lower one, and set their hops to `FAR`."""
    _, levels, hops, labels = land
    rows, columns = mask.shape
    stride = columns + 2
    number = 0
    for row in range(rows):
        start = (row + 1) * stride + 1
        for column in range(columns):
            pixel = start + column
            if not mask[row, column] or levels[pixel] == UNSEEN or labels[pixel] != 0:
                continue
            lowest = min(levels[pixel - stride], levels[pixel - 1], levels[pixel + 1], levels[pixel + stride])
            if lowest >= levels[pixel]:
                hops[pixel] = FAR
                flat[number] = pixel
                number += 1
    return number


@inner
def _follow(mask: BoolArray, land: Landscape, way: LabelArray, out: LabelArray) -> None:
    """Label each pixel that is reached: from it, always to the neighbor that is flooded first, to what has a label."""
    _, levels, hops, labels = land
    rows, columns = mask.shape
    stride = columns + 2
    for row in range(rows):
        start = (row + 1) * stride + 1
        for column in range(columns):
            at = start + column
            if not mask[row, column] or levels[at] == UNSEEN:
                continue
            steps = 0
            while labels[at] == 0:
                way[steps] = at
                steps += 1
                first = at - stride
                for neighbor in (at - 1, at + 1, at + stride):
                    lower = levels[neighbor] < levels[first]
                    if lower or (levels[neighbor] == levels[first] and hops[neighbor] < hops[first]):
                        first = neighbor
                at = first
            for step in range(steps):
                labels[way[step]] = labels[at]
            out[row, column] = labels[at]
