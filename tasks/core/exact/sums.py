"""Sums without rounding: float64 numbers are whole multiples of a power of two; Python adds whole numbers exactly."""

from collections.abc import Callable

import numpy as np

from tasks.core.types import AnyArray, FloatArray, IntArray

UNIT = 1127
"""Sums are counted in units of 2**-1127, of which every float64 number is a whole multiple."""

Terms = Callable[[FloatArray, FloatArray, FloatArray], tuple[tuple[FloatArray, int], ...]]

_FRACTION, _EXPONENTS, _BIAS = 52, 2047, 1075
_PIECE = 18
"""The 53 digits of a number are cut into pieces of at most 18, products of which float64 adds up exactly in a chunk."""

_CHUNK, _BLOCK = 1 << 14, 1 << 24
"""Numbers whose products stay in the processor's cache, and those of which int64 holds the sum of all products."""


def exact_sum(values: FloatArray) -> int:
    """Sum of finite numbers in units of 2**-1127.

    Examples
    --------
    >>> rounded(exact_sum(np.array([1e16, 1.0, -1e16])))
    1.0
    """
    return _total(values, terms=_once, power=1)


def exact_squares(values: FloatArray) -> int:
    """Sum of the squares of finite numbers in units of 2**-2254."""
    return _total(values, terms=_squared, power=2)


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


def _once(a: FloatArray, b: FloatArray, c: FloatArray) -> tuple[tuple[FloatArray, int], ...]:
    return (a, 2 * _PIECE), (b, _PIECE), (c, 0)


def _squared(a: FloatArray, b: FloatArray, c: FloatArray) -> tuple[tuple[FloatArray, int], ...]:
    middle = (2 * a * c + b * b, 2 * _PIECE)
    return (a * a, 4 * _PIECE), (a * b, 3 * _PIECE + 1), middle, (b * c, _PIECE + 1), (c * c, 0)


def _total(values: FloatArray, *, terms: Terms, power: int) -> int:
    """Sum of the terms of all numbers: what is multiplied with 2 to some power, and this."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return sum(
        _block_total(flat[start : start + _BLOCK], terms=terms, power=power) for start in range(0, len(flat), _BLOCK)
    )


def _block_total(values: FloatArray, *, terms: Terms, power: int) -> int:
    sums: dict[int, IntArray] = {}
    for start in range(0, len(values), _CHUNK):
        sizes, pieces = _pieces(values[start : start + _CHUNK])
        first = int(sizes.min())
        sizes -= first
        for products, shift in terms(*pieces):
            totals = np.bincount(sizes, weights=products).astype(np.int64)
            sums.setdefault(shift, np.zeros(_EXPONENTS, dtype=np.int64))[first : first + len(totals)] += totals
    total = 0
    for shift, by_size in sums.items():
        for size in np.flatnonzero(by_size).tolist():
            # the last digit of a number of exponent e counts 2**(e - 1075)
            total += int(by_size[size]) << shift + power * (size + UNIT - _BIAS)
    return total


def _pieces(values: FloatArray) -> tuple[IntArray, tuple[FloatArray, FloatArray, FloatArray]]:
    """Exponents (those of numbers without a leading 1 count as 1), and digits in three pieces, the first with the sign.

    Digits are the first piece · 2**36 + the second · 2**18 + the third; the latter two are not negative.
    """
    bits = values.view(np.int64)
    sizes = (bits >> _FRACTION) & _EXPONENTS
    digits = bits & ((1 << _FRACTION) - 1)
    digits |= np.minimum(sizes, 1) << _FRACTION
    digits *= (bits >> 63) | 1
    lower = (1 << _PIECE) - 1
    pieces = digits >> 2 * _PIECE, (digits >> _PIECE) & lower, digits & lower
    first, second, third = (piece.astype(np.float64) for piece in pieces)
    return np.maximum(sizes, 1), (first, second, third)
