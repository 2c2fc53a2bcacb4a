"""Sums without rounding: float64 numbers are whole multiples of a power of two; Python adds whole numbers exactly."""

from typing import cast

import numpy as np

from tasks.core.types import AnyArray, FloatArray, IntArray

UNIT = 1127
"""Sums are counted in units of 2**-1127, of which each half of every float64 number's digits is a whole multiple."""

_MANTISSA, _HALF, _CHUNK = 53, 27, 256


def exact_sum(values: FloatArray) -> int:
    """Sum of finite numbers in units of 2**-1127.

    Examples
    --------
    >>> rounded(exact_sum(np.array([1e16, 1.0, -1e16])))
    1.0
    """
    total = 0
    for digits, shift in _digits(values):
        total += _sum(digits) << shift
    return total


def exact_squares(values: FloatArray) -> int:
    """Sum of the squares of finite numbers in units of 2**-2254."""
    total = 0
    for digits, shift in _digits(values):
        upper, lower = digits >> _HALF, digits & ((1 << _HALF) - 1)
        squares = (_products(upper, upper) << 2 * _HALF) + (_products(upper, lower) << _HALF + 1)
        total += (squares + _products(lower, lower)) << 2 * shift
    return total


def rounded(total: int, *, count: int = 1) -> float:
    """Return a sum in units of 2**-1127, or its mean over `count` numbers, rounded once."""
    return total / (count << UNIT)


def exact_total(pixels: AnyArray) -> int:
    """Sum of integers of any type, however large."""
    if pixels.dtype.itemsize < 8:
        return int(pixels.sum(dtype=np.int64))
    # 64-bit numbers may leave int64 when they are summed, their upper and lower halves cannot
    upper, lower = (pixels >> 32).sum(dtype=np.int64), (pixels & 0xFFFF_FFFF).sum(dtype=np.int64)
    return (int(upper) << 32) + int(lower)


def _digits(values: FloatArray) -> list[tuple[IntArray, int]]:
    """Binary digits of numbers of one size each, and how many units their last digit counts, as a power of two."""
    fractions, exponents = np.frexp(np.asarray(values, dtype=np.float64))
    digits = (fractions * 2.0**_MANTISSA).astype(np.int64)
    sizes = cast("IntArray", np.unique(exponents))
    return [(digits[exponents == size], int(size) + UNIT - _MANTISSA) for size in sizes]


def _sum(digits: IntArray) -> int:
    return (int((digits >> 32).sum()) << 32) + int((digits & 0xFFFF_FFFF).sum())


def _products(one: IntArray, other: IntArray) -> int:
    """Sum of products of numbers of 27 bits; int64 holds that of so many as a chunk has."""
    return _sum(np.add.reduceat(one * other, np.arange(0, len(one), _CHUNK)))
