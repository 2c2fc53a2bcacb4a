"""Sorting of pixels in time proportional to their number."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import ZERO, constant, inner, reduction
from tasks.core.types import FloatArray

Keys = npt.NDArray[np.uint16]
Table = npt.NDArray[np.int32]

DIGIT = constant(256)
FEW = 40
"""Below this number of values insertion is faster than digits."""
MOST = 4096
"""Largest number of buckets."""
PATIENCE = 8
"""Moves per value after which insertion gives up."""
SIGN = np.uint64(1 << 63)


class Scratch(NamedTuple):
    """Scratch of the sorts: as many spare values, their buckets, and what is counted per bucket or digit."""

    spare: FloatArray
    keys: Keys
    table: Table


@inner
def allocate_scratch(values: FloatArray) -> Scratch:
    """Allocate scratch space for sorting up to as many values."""
    return Scratch(np.empty_like(values), np.empty(len(values), np.uint16), np.empty(MOST, np.int32))


@inner
def sort_reals(values: FloatArray, count: int, scratch: Scratch) -> None:
    """Sort the first `count` finite values in place, as whole numbers of 8 digits in the same order.

    The bits of a positive number, read as a whole number, order like the number itself; those of a negative one in
    reverse. A digit that all values share is skipped, such as the lower ones of what once were 32-bit numbers.

    Parameters
    ----------
    values
        (≥ count,) float64.
    scratch
        From `allocate_scratch`.
    """
    table = scratch.table
    source, target = values.view(np.uint64), scratch.spare.view(np.uint64)
    table[: 8 * DIGIT] = 0
    for at in range(count):
        key = source[at]
        key ^= np.uint64(0xFFFFFFFFFFFFFFFF) if key & SIGN else SIGN
        source[at] = key
        for digit in range(8):
            table[digit * DIGIT + np.int64((key >> np.uint64(8 * digit)) & np.uint64(255))] += 1
    for digit in range(8):
        shift, first = np.uint64(8 * digit), digit * DIGIT
        if table[first + np.int64((source[0] >> shift) & np.uint64(255))] == count:
            continue
        _places(table, first, DIGIT)
        for at in range(count):
            place = first + np.int64((source[at] >> shift) & np.uint64(255))
            target[table[place]] = source[at]
            table[place] += 1
        source, target = target, source
    result = values.view(np.uint64)
    for at in range(count):
        key = source[at]
        result[at] = key ^ (SIGN if key & SIGN else np.uint64(0xFFFFFFFFFFFFFFFF))


@inner
def insert(values: FloatArray, count: int, most: int) -> bool:
    """Sort values in place by insertion; give up, with False, after `most` moves."""
    for at in range(1, count):
        value, place = values[at], at
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value
        most -= at - place
        if most < 0:
            return False
    return True


@inner
def _places(table: Table, first: int, number: int) -> None:
    """Turn the numbers of values per bucket into the places at which they begin."""
    total = 0
    for at in range(first, first + number):
        number_here = table[at]
        table[at] = total
        total += number_here


@inner
def order(values: FloatArray, count: int, integral: bool, scratch: Scratch) -> None:  # noqa: FBT001 - by position
    """Sort the first `count` finite values in place.

    The range from the smallest to the largest is cut into buckets, about two for each value; counting puts the values
    in the order of the buckets, and insertion in order within them. Whole numbers of a small range have a bucket each.
    Where so many values lie in few buckets that insertion takes long they are sorted by digits instead.

    Parameters
    ----------
    values
        (≥ count,) float64.
    integral
        Whether all of them are whole numbers.
    scratch
        From `allocate_scratch` of an array as long as `values`.
    """
    if count < FEW:
        insert(values, count, count * count)
        return
    low, high = limits(values, count)
    if low == high:
        return
    buckets = MOST
    while buckets > 4 * count:
        buckets //= 2
    exact = integral and high - low < MOST
    if exact:
        buckets = int(high - low) + 1
    scale = (buckets - 1) / (high - low)
    if np.isfinite(scale):
        count_into(values, count, low, scale, buckets, scratch)
        if exact or insert(scratch.spare, count, PATIENCE * count):
            for at in range(count):
                values[at] = scratch.spare[at]
            return
    sort_reals(values, count, scratch)


@inner
def count_into(values: FloatArray, count: int, low: float, scale: float, buckets: int, scratch: Scratch) -> None:
    """Copy values into the spare ones in the order of their buckets ⌊(v − low)·scale⌋."""
    spare, keys, table = scratch.spare, scratch.keys, scratch.table
    for at in range(count):
        keys[at] = int((values[at] - low) * scale)
    table[:buckets] = 0
    for at in range(count):
        table[keys[at]] += 1
    _places(table, ZERO, buckets)
    for at in range(count):
        place = table[keys[at]]
        spare[place] = values[at]
        table[keys[at]] = place + 1


@reduction
def limits(values: FloatArray, count: int) -> tuple[float, float]:
    """Smallest and largest of the first values, at least one; four at a time, which do not wait for each other."""
    low = low_1 = low_2 = low_3 = values[0]
    high = high_1 = high_2 = high_3 = values[0]
    for at in range(0, count - 3, 4):
        low, high = min(low, values[at]), max(high, values[at])
        low_1, high_1 = min(low_1, values[at + 1]), max(high_1, values[at + 1])
        low_2, high_2 = min(low_2, values[at + 2]), max(high_2, values[at + 2])
        low_3, high_3 = min(low_3, values[at + 3]), max(high_3, values[at + 3])
    for at in range(count - count % 4, count):
        low, high = min(low, values[at]), max(high, values[at])
    return float(min(low, low_1, low_2, low_3)), float(max(high, high_1, high_2, high_3))
