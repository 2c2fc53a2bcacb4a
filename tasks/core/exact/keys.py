"""Numbers as keys: 64-bit integers in the same order, whose leading bits cut the numbers into buckets."""

import numpy as np
import numpy.typing as npt

from tasks.core.types import FloatArray

Keys = npt.NDArray[np.uint64]

_SIGN = np.uint64(1 << 63)


def keys_of(values: FloatArray) -> Keys:
    """Return keys in the order of the values, which are finite; 0 and -0 have one key.

    The leading 16 bits are sign, exponent and 4 binary digits: a bucket of numbers that differ by less than 1/16.

    Examples
    --------
    >>> bool(np.all(np.diff(keys_of(np.array([-2.0, -1.0, 0.0, 1e-300, 5.0]))) > 0))
    True
    """
    bits = (np.asarray(values, dtype=np.float64) + 0.0).view(np.uint64)
    # all bits of a negative number are turned, of another one the first
    bits ^= (bits.view(np.int64) >> 63).view(np.uint64) | _SIGN
    return bits


def values_of(keys: Keys) -> FloatArray:
    """Undo `keys_of`."""
    return np.where(keys >= _SIGN, keys ^ _SIGN, ~keys).view(np.float64)
