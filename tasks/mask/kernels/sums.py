"""Sums: in numpy's own order, so that they round as numpy's do, or in any order where nothing is rounded."""

import numpy as np

from tasks.core.kernels.compiled import compiled, reduction
from tasks.core.types import FloatArray

BLOCK = 128
"""Up to this many values numpy adds in eight interleaved sums; more values are halved first."""
DEPTH = 64


@reduction
def sum_exact(values: FloatArray) -> float:
    """Sum whole numbers that float64 holds without rounding."""
    total = 0.0
    for at in range(len(values)):
        total += values[at]
    return total


@compiled
def sum_pairwise(values: FloatArray, count: int) -> float:
    """Sum the first values as `numpy.sum` does: halves of at most 128 values, each in eight interleaved sums."""
    # a stack of halves: `waiting` tells whether the first half of those at a depth has been summed
    firsts, numbers = np.empty(DEPTH, np.int64), np.empty(DEPTH, np.int64)
    sums, waiting = np.empty(DEPTH), np.zeros(DEPTH, np.bool_)
    firsts[0], numbers[0] = 0, count
    depth = 0
    while True:
        while numbers[depth] > BLOCK:
            half = numbers[depth] // 2
            waiting[depth] = False
            depth += 1
            firsts[depth], numbers[depth] = firsts[depth - 1], half - half % 8
        total = _sum_block(values, firsts[depth], numbers[depth])
        while depth > 0 and waiting[depth - 1]:
            depth -= 1
            total = sums[depth] + total
        if depth == 0:
            return float(total)
        sums[depth - 1], waiting[depth - 1] = total, True
        done = numbers[depth]
        firsts[depth], numbers[depth] = firsts[depth - 1] + done, numbers[depth - 1] - done


@compiled
def _sum_block(values: FloatArray, first: int, count: int) -> float:
    """Sum at most 128 values."""
    total = 0.0
    if count < 8:
        for at in range(first, first + count):
            total += values[at]
        return float(total)
    r0, r1, r2, r3 = values[first], values[first + 1], values[first + 2], values[first + 3]
    r4, r5, r6, r7 = values[first + 4], values[first + 5], values[first + 6], values[first + 7]
    stop = first + count - count % 8
    for at in range(first + 8, stop, 8):
        r0 += values[at]
        r1 += values[at + 1]
        r2 += values[at + 2]
        r3 += values[at + 3]
        r4 += values[at + 4]
        r5 += values[at + 5]
        r6 += values[at + 6]
        r7 += values[at + 7]
    total = ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7))
    for at in range(stop, first + count):
        total += values[at]
    return float(total)
