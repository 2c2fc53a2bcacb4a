"""Sorting of pixels by their digits, and merging of what is sorted."""

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import overload

from tasks.core.types import AnyArray, FloatArray, IntArray
from tasks.features.kernels.compiled import compiled

Counts = npt.NDArray[np.uint16]
Keys = npt.NDArray[np.uint64]

DIGIT = 256
FEW = 40
"""Below this number of values insertion is faster than digits."""
SIGN = np.uint64(1 << 63)


@compiled
def sort_counts(values: Counts, count: int, spare: Counts, table: IntArray) -> None:
    """Sort the first `count` 16-bit values in place, lower digit first, then the higher one.

    Parameters
    ----------
    values, spare
        (≥ count,) uint16; `spare` is scratch.
    table
        (≥ 512,) int64, scratch.
    """
    if count < FEW:
        insert(values, count)
        return
    table[: 2 * DIGIT] = 0
    for at in range(count):
        table[values[at] & 255] += 1
        table[DIGIT + (values[at] >> 8)] += 1
    _places(table, 0)
    _places(table, DIGIT)
    for at in range(count):
        digit = values[at] & 255
        spare[table[digit]] = values[at]
        table[digit] += 1
    for at in range(count):
        digit = DIGIT + (spare[at] >> 8)
        values[table[digit]] = spare[at]
        table[digit] += 1


@compiled
def sort_reals(values: FloatArray, count: int, spare: FloatArray, table: IntArray) -> None:
    """Sort the first `count` finite values in place, as whole numbers of 8 digits in the same order.

    The bits of a positive number, read as a whole number, order like the number itself; those of a negative one in
    reverse. A digit that all values share is skipped, such as the lower ones of what once were 32-bit numbers.

    Parameters
    ----------
    values, spare
        (≥ count,) float64; `spare` is scratch.
    table
        (≥ 2048,) int64, scratch.
    """
    if count < FEW:
        insert(values, count)
        return
    source, target = values.view(np.uint64), spare.view(np.uint64)
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
        _places(table, first)
        for at in range(count):
            place = first + np.int64((source[at] >> shift) & np.uint64(255))
            target[table[place]] = source[at]
            table[place] += 1
        source, target = target, source
    result = values.view(np.uint64)
    for at in range(count):
        key = source[at]
        result[at] = key ^ (SIGN if key & SIGN else np.uint64(0xFFFFFFFFFFFFFFFF))


@compiled
def insert(values: AnyArray, count: int) -> None:
    """Sort a few values in place."""
    for at in range(1, count):
        value, place = values[at], at
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value


@compiled
def _places(table: IntArray, first: int) -> None:
    """Turn the numbers of values per digit into the places at which they begin."""
    total = 0
    for at in range(first, first + DIGIT):
        number = table[at]
        table[at] = total
        total += number


@compiled
def merge(first: AnyArray, count: int, second: AnyArray, other: int, merged: AnyArray) -> None:
    """Merge `count` sorted values with `other` sorted values; both buffers must be longer by one."""
    left = right = 0
    for at in range(count + other):
        # both are read and one is chosen, without a jump: which way it would go cannot be foretold
        one, two = first[left], second[right]
        take = (right >= other) | ((left < count) & (one <= two))
        merged[at] = one if take else two
        left += take
        right += not take


def sort(values: AnyArray, count: int, spare: AnyArray, table: IntArray) -> None:
    """Sort the first `count` values in place, whatever their type; for compiled callers only."""
    raise NotImplementedError("compiled code calls sort_counts or sort_reals instead")


@overload(sort)  # type: ignore[untyped-decorator]
def _sort(values: AnyArray, count: int, spare: AnyArray, table: IntArray) -> object:  # noqa: ARG001
    """Choose by type; numba calls it with types for arguments and wants the chosen ones' parameters to be the same."""
    return _sort_counts if values.dtype == types.uint16 else _sort_reals


def _sort_counts(values: AnyArray, count: int, spare: AnyArray, table: IntArray) -> None:
    sort_counts(values, count, spare, table)


def _sort_reals(values: AnyArray, count: int, spare: AnyArray, table: IntArray) -> None:
    sort_reals(values, count, spare, table)
