"""The order of values: as sorting them, but remembering where each came from."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import compiled
from tasks.core.kernels.sorting import MOST, PATIENCE, limits
from tasks.core.types import FloatArray, IntArray

Indices = npt.NDArray[np.int32]


class OrderScratch(NamedTuple):
    """Scratch of `order_by`."""

    keys: Indices
    table: Indices
    indices: IntArray
    values: FloatArray


@compiled
def allocate_order_scratch(size: int) -> OrderScratch:
    """Allocate scratch for ordering up to this many values."""
    return OrderScratch(
        np.empty(size, np.int32), np.empty(MOST, np.int32), np.empty(size, np.int64), np.empty(size, np.float64)
    )


@compiled
def order_by(values: FloatArray, count: int, order: IntArray, ordered: FloatArray, scratch: OrderScratch) -> None:
    """Sort values and their indices, equal ones in the order in which they came.

    Values are put into buckets, about two for each, and those into order by insertion; where too many share a bucket
    they are merged instead.

    Parameters
    ----------
    values
        (≥ count,) finite.
    order, ordered
        (≥ count,) the results: indices of the values from the smallest on, and the values in that order.
    """
    low, high = limits(values, count)
    buckets = MOST
    while buckets > 4 * count and buckets > 2:
        buckets //= 2
    scale = (buckets - 1) / (high - low) if high > low else np.inf
    if low < high and np.isfinite(scale):
        keys, table = scratch.keys, scratch.table
        table[: buckets + 1] = 0
        for at in range(count):
            key = np.int32((values[at] - low) * scale)
            keys[at] = key
            table[key] += 1
        total = np.int32(0)
        for bucket in range(buckets):
            here = table[bucket]
            table[bucket] = total
            total += here
        for at in range(count):
            place = table[keys[at]]
            table[keys[at]] = place + 1
            ordered[place], order[place] = values[at], at
        if _insert(ordered, order, count, PATIENCE * count):
            return
    for at in range(count):
        ordered[at], order[at] = values[at], at
    if low < high:
        _merge(ordered, order, count, scratch)


@compiled
def _insert(ordered: FloatArray, order: IntArray, count: int, most: int) -> bool:
    """Sort by insertion; give up, with False, after `most` moves."""
    for at in range(1, count):
        value, where, place = ordered[at], order[at], at
        while place > 0 and ordered[place - 1] > value:
            ordered[place], order[place] = ordered[place - 1], order[place - 1]
            place -= 1
        ordered[place], order[place] = value, where
        most -= at - place
        if most < 0:
            return False
    return True


@compiled
def _merge(ordered: FloatArray, order: IntArray, count: int, scratch: OrderScratch) -> None:
    """Sort by merging, from pairs on upwards."""
    values, indices = scratch.values, scratch.indices
    length = 1
    while length < count:
        for start in range(0, count, 2 * length):
            left, middle = start, min(start + length, count)
            right, stop = middle, min(start + 2 * length, count)
            for at in range(start, stop):
                # the earlier one first where both are equal
                if left < middle and (right >= stop or ordered[left] <= ordered[right]):
                    values[at], indices[at] = ordered[left], order[left]
                    left += 1
                else:
                    values[at], indices[at] = ordered[right], order[right]
                    right += 1
        for at in range(count):
            ordered[at], order[at] = values[at], indices[at]
        length *= 2
