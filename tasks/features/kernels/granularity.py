"""Granularity spectrum over a block of cells, from the tree of each region's components.

The components of all sets {f ≥ t} form a tree. An opening by reconstruction keeps a component if an element of its size
fits into it: if the eroded image reaches the component's level t somewhere in it. Each component adds its height above
its parent times its area to the sum of f, so the signal that a radius removes is the sum over the components that it is
the first to remove. The tree is built once, and no image is reconstructed.
"""

from typing import NamedTuple

import numpy as np

from tasks.core.kernels.bits import Runs, Stream, extent, find_runs, most_runs, read, words_of
from tasks.core.kernels.compiled import compiled
from tasks.core.kernels.components import bounds
from tasks.core.types import FloatArray, IntArray
from tasks.features.blocks import Counts
from tasks.features.kernels.boxes import fill_margin
from tasks.features.kernels.order import OrderScratch, allocate_order_scratch, order_by
from tasks.features.kernels.pixels import gather


class Tree(NamedTuple):
    """Scratch in which a region's tree is built; pixels stand in the order of their signal."""

    order: IntArray
    level: FloatArray
    place: IntArray
    rank: IntArray
    root: IntArray
    parent: IntArray
    weight: FloatArray
    reach: FloatArray
    here: FloatArray
    eroded: FloatArray
    order_scratch: OrderScratch


@compiled
def make_tree(height: int, width: int) -> Tree:
    """Allocate scratch for regions of up to this height and width."""
    size, framed = height * width, (height + 2) * (width + 2)
    return Tree(
        np.empty(size, np.int64),
        np.empty(size, np.float64),
        np.empty(size, np.int64),
        np.empty(framed, np.int64),
        np.empty(size, np.int64),
        np.empty(size, np.int64),
        np.empty(size, np.float64),
        np.empty(size, np.float64),
        np.empty(framed, np.float64),
        np.empty(framed, np.float64),
        allocate_order_scratch(size),
    )


@compiled
def measure_granularity(
    counts: Counts,
    reals: FloatArray,
    masks: Stream,
    shapes: IntArray,
    n_masks: int,
    background: FloatArray,
    scales: int,
    out: FloatArray,
) -> None:
    """Measure the spectrum of each channel of each cell.

    Parameters
    ----------
    counts, …, background
        Those of `tasks.features.blocks.Block`.
    scales
        Number of radii.
    out
        (N, scales·C) float64, the result.
    """
    cells, channels = background.shape
    tallest, widest = extent(shapes)
    bits, runs = np.empty((tallest, words_of(widest)), np.uint64), np.empty((most_runs(tallest, widest), 3), np.int64)
    values, tree = np.empty(tallest * widest, np.float64), make_tree(tallest, widest)
    # as a variable: numba would compile what is called once more for the constant
    pixel_start = mask_start = int(np.int64(0))
    for cell in range(cells):
        height, width = shapes[cell, 0], shapes[cell, 1]
        number = 0
        for channel in range(channels):
            if channel < n_masks:
                read(masks, mask_start, height, width, bits)
                number = find_runs(bits, height, width, runs)
                mask_start += height * width
            view = out[cell, channel * scales : (channel + 1) * scales]
            view[:] = np.nan
            count, fine = gather(counts, reals, pixel_start, width, runs, number, values)
            if fine and count > 0 and abs(background[cell, channel]) < np.inf:
                total = 0.0
                for at in range(count):
                    values[at] = max(values[at] - background[cell, channel], 0.0)
                    total += values[at]
                if total > 0.0:
                    grow(values, count, runs, number, height, width, tree)
                    spectrum(count, runs, number, height, width, total, tree, view)
            pixel_start += height * width


@compiled
def grow(values: FloatArray, count: int, runs: Runs, number: int, height: int, width: int, tree: Tree) -> None:
    """Build the tree of a region, and lay its signal into a box with a margin.

    Parameters
    ----------
    values
        (≥ count,) the signal, in the order of the runs.
    height, width
        Of the frame: the margin beyond it takes nothing away from what is eroded.
    """
    top, left, bottom, right = bounds(runs, 0, number)
    here, rank = tree.here, tree.rank
    here[: (right - left + 2) * (bottom - top + 2)] = 0.0
    rank[: (right - left + 2) * (bottom - top + 2)] = -1
    _, stride = fill_margin(here, runs, number, height, width, np.inf)
    order_by(values, count, tree.order, tree.level, tree.order_scratch)
    # by way of the runs to places in the box, then into the order of the signal
    at = 0
    for run in range(number):
        first = (runs[run, 0] - top + 1) * stride + 1 - left
        for column in range(runs[run, 1], runs[run, 2]):
            tree.root[at] = first + column
            here[first + column] = values[at]
            at += 1
    for at in range(count):
        tree.place[at] = tree.root[tree.order[at]]
        rank[tree.place[at]] = at
    for at in range(count - 1, -1, -1):
        tree.root[at], tree.parent[at], tree.weight[at] = at, -1, 1.0
        join(at, stride, tree)
    for at in range(count):
        below = tree.level[tree.parent[at]] if tree.parent[at] >= 0 else 0.0
        tree.weight[at] *= tree.level[at] - below


@compiled
def join(at: int, stride: int, tree: Tree) -> None:
    """Hang the components beside a pixel, which are all higher, onto it, and add their areas."""
    root = tree.root
    for way in range(4):
        step = (stride if way < 2 else 1) * (1 - 2 * (way & 1))
        near = tree.rank[tree.place[at] + step]
        if near > at:
            while root[near] != near:
                root[near] = root[root[near]]
                near = root[near]
            if near != at:
                root[near] = tree.parent[near] = at
                tree.weight[at] += tree.weight[near]


@compiled
def spectrum(
    count: int, runs: Runs, number: int, height: int, width: int, total: float, tree: Tree, out: FloatArray
) -> None:
    """Erode step by step and sum up what each step removes; `out` (scales,) is the result, in per cent."""
    here, eroded = tree.here, tree.eroded
    rest = 0
    for at in range(count):
        rest += tree.weight[at] > 0.0
    for scale in range(len(out)):
        removed = 0.0
        if rest > 0:
            rows, stride = fill_margin(here, runs, number, height, width, np.inf)
            erode(here, eroded, rows * stride, stride)
            here, eroded = eroded, here
            removed, rest = prune(count, rest, here, tree.place, tree.level, tree.parent, tree.weight, tree.reach)
        out[scale] = 100.0 * removed / total


@compiled
def prune(
    count: int,
    rest: int,
    here: FloatArray,
    place: IntArray,
    level: FloatArray,
    parent: IntArray,
    weight: FloatArray,
    reach: FloatArray,
) -> tuple[float, int]:
    """Remove the components whose level the eroded image reaches nowhere; how much they weigh, and how many remain."""
    removed = 0.0
    for at in range(count):
        reach[at] = here[place[at]]
    for at in range(count - 1, -1, -1):
        best, above = reach[at], parent[at]
        if weight[at] > 0.0 and best < level[at]:
            removed += weight[at]
            weight[at] = 0.0
            rest -= 1
        if above >= 0 and best > reach[above]:
            reach[above] = best
    return removed, rest


@compiled
def erode(here: FloatArray, eroded: FloatArray, size: int, stride: int) -> None:
    """Take the minimum of each pixel and its four neighbours, in all rows but the first and the last.

    The pixels of the margin at both ends of a row take part; those outside the region stay 0, the others have to be set
    again.
    """
    middle, result = here[stride : size - stride], eroded[stride : size - stride]
    above, below = here[: size - 2 * stride], here[2 * stride : size]
    before, after = here[stride - 1 : size - stride - 1], here[stride + 1 : size - stride + 1]
    for at in range(len(middle)):
        result[at] = min(above[at], below[at], before[at], after[at], middle[at])
    eroded[:stride] = 0.0
    eroded[size - stride : size] = 0.0
