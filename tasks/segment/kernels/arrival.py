"""Least cost of reaching each pixel from seeds: Dijkstra's algorithm with buckets instead of a heap [1]_.

.. [1] Dial, Algorithm 360: shortest-path forest with topological ordering, Communications of the ACM 12 (1969) 632-633.
"""

import math

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import compiled, inner
from tasks.core.types import BoolArray, LabelArray

Line = npt.NDArray[np.float32]
"""(N,) float32."""

STRAIGHT, DIAGONAL = np.float32(0.5), np.float32(math.sqrt(0.5))
"""Half the length of a step."""
MOST_BUCKETS = 1 << 12
FIRST_ENTRIES = 1 << 14
NONE = np.int32(-1)


@compiled
def arrival(cost: Line, seeds: LabelArray, mask: BoolArray, out: Line) -> None:
    """Find the least cost of a path of 8-connected pixels from a seed; see `tasks.segment.operations`.

    Parameters
    ----------
    cost
        (H, W), above 0 in the mask.
    seeds
        (H, W): what is not 0 is reached at no cost; in the mask.
    mask
        (H, W): what may be entered.
    out
        (H, W).
    """
    rows, columns = mask.shape
    stride = columns + 2
    # framed; −1: may not be entered
    costs = np.zeros((rows + 2) * stride, np.float32)
    reached = np.full(len(costs), np.float32(-1), np.float32)
    least, most = _prepare(cost, seeds, mask, costs, reached)
    _spread(costs, reached, stride, least, most)
    for row in range(rows):
        start = (row + 1) * stride + 1
        for column in range(columns):
            value = reached[start + column]
            out[row, column] = value if value >= 0 else np.float32(np.inf)


@inner
def _prepare(
    cost: Line, seeds: LabelArray, mask: BoolArray, costs: Line, reached: Line
) -> tuple[np.float32, np.float32]:
    """Fill framed images; return the least and the greatest cost in the mask."""
    rows, columns = mask.shape
    least, most = np.float32(np.inf), np.float32(0)
    for row in range(rows):
        start = (row + 1) * (columns + 2) + 1
        for column in range(columns):
            if mask[row, column]:
                value = cost[row, column]
                least, most = min(least, value), max(most, value)
                costs[start + column] = value
                reached[start + column] = np.float32(0) if seeds[row, column] != 0 else np.float32(np.inf)
    return least, most


@inner
def _spread(  # noqa: C901, PLR0912, PLR0915 - one loop
    costs: Line, reached: Line, stride: int, least: np.float32, most: np.float32
) -> None:
    """Lower what is infinite in `reached` to its least cost.

    A pixel is in the bucket of its cost so far. No step costs less than the width of a bucket, so that what is in the
    first one is final, unless that were too many buckets: then a pixel is visited again if it is reached at less from
    its own bucket. Either way the least cost of every pixel is found, whatever the order.

    Buckets are lists of entries, each of a pixel and the next entry. A pixel that is reached at less goes to another
    bucket and stays in the first one, too, where it is passed over.
    """
    longest = float(most) * math.sqrt(2.0)
    density = np.float32(1.0 / max(float(least), longest / (MOST_BUCKETS - 2)))
    turn = 4
    while turn < longest * density + 2:
        turn *= 2
    heads = np.full(turn, NONE, np.int32)
    pixels, nexts = np.empty(FIRST_ENTRIES, np.int32), np.empty(FIRST_ENTRIES, np.int32)
    free, count, live = NONE, 0, 0
    steps = np.array([-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1])
    halves = np.array([DIAGONAL, STRAIGHT, DIAGONAL, STRAIGHT, STRAIGHT, DIAGONAL, STRAIGHT, DIAGONAL])
    bucket, seed = 0, stride
    while live > 0 or seed < len(reached) - stride:
        slot = bucket & (turn - 1)
        while True:
            if seed < len(reached) - stride:  # all seeds first
                pixel = np.int64(seed)
                seed += 1
                if reached[pixel] != 0:
                    continue
            else:
                entry = heads[slot]
                if entry == NONE:
                    break
                pixel = np.int64(pixels[entry])
                heads[slot], nexts[entry], free = nexts[entry], free, entry
                live -= 1
            here, own = reached[pixel], costs[pixel]
            if np.int64(here * density) != bucket:
                continue
            for side in range(8):
                neighbor = pixel + steps[side]
                total = here + (own + costs[neighbor]) * halves[side]
                before = reached[neighbor]
                if total >= before:
                    continue
                reached[neighbor] = total
                new = np.int64(total * density)
                # where it is in that bucket already it is not put there again, unless it may have been taken out
                if before < np.inf and new == np.int64(before * density) and new != bucket:
                    continue
                if free == NONE:
                    if count == len(pixels):
                        pixels, nexts = np.append(pixels, np.empty_like(pixels)), np.append(nexts, np.empty_like(nexts))
                    entry = np.int32(count)
                    count += 1
                else:
                    entry = free
                    free = nexts[entry]
                pixels[entry], nexts[entry] = neighbor, heads[new & (turn - 1)]
                heads[new & (turn - 1)] = entry
                live += 1
        bucket += 1


@compiled
def trace(arrival: Line, cost: Line, seeds: LabelArray, mask: BoolArray, out: LabelArray) -> None:
    """Follow the least costs back to the seeds; see `tasks.segment.operations`.

    Parameters
    ----------
    arrival, cost, seeds, mask
        (H, W), those of `arrival`.
    out
        (H, W), all 0.
    """
    columns = mask.shape[1]
    way = np.empty(mask.size, np.int32)
    flat = out.ravel()
    seed = seeds.ravel()
    for first in range(mask.size):
        row, column = first // columns, first % columns
        if not mask[row, column] or flat[first] != 0:
            continue
        steps = 0
        at = np.int64(first)
        label = seed[at]
        while label == 0:
            way[steps] = at
            steps += 1
            before = _before(arrival, cost, mask, at // columns, at % columns)
            if before < 0:
                break
            at = np.int64(before)
            label = flat[at] if flat[at] != 0 else seed[at]
        flat[first] = label
        for step in range(steps):
            flat[way[step]] = label


@inner
def _before(arrival: Line, cost: Line, mask: BoolArray, row: int, column: int) -> int:
    """Flat index of the pixel over which one is reached; −1 if there is none."""
    rows, columns = mask.shape
    best, at = np.float32(np.inf), np.int64(-1)
    here, own = arrival[row, column], cost[row, column]
    for down in range(max(row - 1, 0), min(row + 2, rows)):
        for across in range(max(column - 1, 0), min(column + 2, columns)):
            value = arrival[down, across]
            if value < here and mask[down, across]:
                half = STRAIGHT if down == row or across == column else DIAGONAL
                total = value + (own + cost[down, across]) * half
                if total < best:
                    best, at = total, np.int64(down) * columns + across
    return int(at)
