"""Histograms and quantiles, of an image and of the objects in it."""

import math

import numpy as np
import numpy.typing as npt

from tasks.core.kernels.compiled import compiled, inner
from tasks.core.types import BoolArray, FloatArray, IntArray, LabelArray

Line = npt.NDArray[np.float32]
"""(N,) float32."""

SIGN = np.uint32(1 << 31)
ALL = np.uint32(0xFFFFFFFF)
HALF = 1 << 16
"""Values of half of the bits of a float32 number."""


@compiled
def extremes(image: Line) -> tuple[float, float]:
    """Least and greatest of at least one finite number.

    The bits of numbers order like whole numbers, once those below the sign of negative ones are turned round; whole
    numbers are compared several at a time.
    """
    bits = image.view(np.int32)
    both = np.empty(2, np.int32)
    low = high = bits[0] ^ ((bits[0] >> 31) & np.int32(0x7FFFFFFF))
    for at in range(len(bits)):
        key = bits[at] ^ ((bits[at] >> 31) & np.int32(0x7FFFFFFF))
        low, high = min(low, key), max(high, key)
    both[0] = low ^ ((low >> 31) & np.int32(0x7FFFFFFF))
    both[1] = high ^ ((high >> 31) & np.int32(0x7FFFFFFF))
    values = both.view(np.float32)
    return values[0], values[1]


@compiled
def count_bins(image: Line, low: float, high: float, counts: IntArray) -> None:
    """Count numbers from low to high in bins of one width; `counts` is all 0."""
    least, last = np.float32(low), np.int32(len(counts) - 1)
    density = np.float32(len(counts) / (np.float64(high) - np.float64(low)))
    for at in range(len(image)):
        counts[min(np.int32((image[at] - least) * density), last)] += 1


@compiled
def median_of(image: Line, mask: BoolArray) -> float:
    """Median of flat finite numbers in a mask that has at least one of them.

    Numbers are selected by the first half of their bits, then by the second, both times from a histogram.
    """
    bits = image.view(np.uint32)
    counts = np.zeros(HALF, np.int32)
    count = 0
    for at in range(len(bits)):
        if mask[at]:
            counts[_key(bits[at]) >> np.uint32(16)] += 1
            count += 1
    lower = (count - 1) // 2
    first, before = _bin_of(counts, lower)
    second, _ = _bin_of(counts, count // 2)
    low_counts, high_counts = np.zeros(HALF, np.int32), np.zeros(HALF, np.int32)
    for at in range(len(bits)):
        if mask[at]:
            key = _key(bits[at])
            if key >> np.uint32(16) == np.uint32(first):
                low_counts[key & np.uint32(0xFFFF)] += 1
            elif key >> np.uint32(16) == np.uint32(second):
                high_counts[key & np.uint32(0xFFFF)] += 1
    least = _number(first, _bin_of(low_counts, lower - before)[0])
    if first == second:
        return (least + _number(second, _bin_of(low_counts, count // 2 - before)[0])) / 2
    return (least + _number(second, _bin_of(high_counts, 0)[0])) / 2


@inner
def _key(bits: np.uint32) -> np.uint32:
    """Order the bits of numbers as whole numbers without a sign."""
    return bits ^ ALL if bits & SIGN else bits | SIGN


@inner
def _number(first: int, second: int) -> float:
    """Join the halves of a key, and turn it back into a number."""
    bits = np.empty(1, np.uint32)
    key = np.uint32(np.uint32(first) << np.uint32(16) | np.uint32(second))
    bits[0] = key ^ SIGN if key & SIGN else key ^ ALL
    return float(bits.view(np.float32)[0])


@inner
def _bin_of(counts: LabelArray, rank: int) -> tuple[int, int]:
    """Bin that holds the value of a rank, from 0 on, and how many values lie in earlier bins."""
    before = 0
    for bin_ in range(len(counts)):
        if before + counts[bin_] > rank:
            return bin_, int(before)
        before += int(counts[bin_])
    return len(counts) - 1, int(before)


@compiled
def object_quantiles(labels: LabelArray, image: Line, q: float, out: FloatArray) -> None:
    """Linear quantile of each object's numbers, of flat labels; `out`, of max + 1, is all NaN."""
    starts = np.zeros(len(out) + 1, np.int64)
    for at in range(len(labels)):
        starts[labels[at] + 1] += 1
    starts[1] = 0  # the background is not looked at
    for label in range(len(out)):
        starts[label + 1] += starts[label]
    values = np.empty(starts[len(out)], np.float32)
    stops = starts.copy()
    for at in range(len(labels)):
        label = labels[at]
        if label != 0:
            values[stops[label]] = image[at]
            stops[label] += 1
    for label in range(1, len(out)):
        inside = values[starts[label] : starts[label + 1]]
        if len(inside) > 0:
            place = q * (len(inside) - 1)
            rank = math.floor(place)
            _select(inside, rank)
            low = np.float64(inside[rank])
            if rank + 1 < len(inside):
                high = inside[rank + 1]
                for at in range(rank + 2, len(inside)):
                    high = min(high, inside[at])
                low += (np.float64(high) - low) * (place - rank)
            out[label] = low


@inner
def _select(values: Line, rank: int) -> None:
    """Put the value of a rank where sorting would put it, with no greater ones before it and no less ones after it."""
    low, high = 0, len(values) - 1
    while low < high:
        first, middle, last = values[low], values[(low + high) // 2], values[high]
        pivot = max(min(first, middle), min(max(first, middle), last))
        left, right = low, high
        while left <= right:
            while values[left] < pivot:
                left += 1
            while values[right] > pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if rank <= right:
            high = right
        elif rank >= left:
            low = left
        else:
            return
