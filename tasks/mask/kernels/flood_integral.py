"""Compact watershed of whole numbers: cost, age and pixel of an entry are one number, and the queue holds nothing else.

The moves are those of `tasks.mask.compact_watershed.Queue`, written without branches: whether an entry moves on is as
good as random, and a wrong guess of the processor costs more than the moves.
"""

import math
from functools import cache

import numpy as np

from tasks.core.kernels.compiled import inner
from tasks.core.types import FloatArray, IntArray, LabelArray
from tasks.mask.kernels.filters import extremes

LAST = np.int64(0x7FFFFFFFFFFFFFFF)
"""Key of an entry that comes after all others."""
BEFORE_ALL = np.int64(-1)
DIAGONAL_SQUARED = 200**2
ROOT_BITS = 16
"""What is behind the point of a distance has fewer than 2¹⁶ values in a frame of that diagonal."""
KEY_BITS = 62
# Whole numbers v of 20 bits: in that frame two different costs v + √k differ by more than 1 / (12·D³), because
# (√a − √b − m) times its three conjugates is a whole number, and none of those is larger than 2·D + 1. So float64
# numbers, which the plain code adds, order and differ as the costs themselves do.
WHOLE_LIMIT = float(1 << 20)
ROUNDS = np.uint64(3)
ONE = np.uint64(1)


@cache
def distances() -> IntArray:
    """√k as a whole number of the same order, of every k of a frame.

    Returns
    -------
    IntArray
        (40001,) int64: ⌊√k⌋ times 2¹⁶ plus the rank of √k − ⌊√k⌋, which is the same for two k only if both are squares.
    """
    root = np.sqrt(np.arange(DIAGONAL_SQUARED + 1))
    integers = np.floor(root)
    _, rank = np.unique(root - integers, return_inverse=True)
    return (integers.astype(np.int64) << ROOT_BITS) | rank


@inner
def bits_of(number: int) -> int:
    """Digits of a binary number, at least 1."""
    bits = 1
    while number >> bits:
        bits += 1
    return bits


@inner
def flood_integral(  # noqa: C901, PLR0912, PLR0915 - the loop over entries
    values: FloatArray,
    height: int,
    width: int,
    labels: LabelArray,
    keys: IntArray,
    costs: IntArray,
    pixels: LabelArray,
    sources: LabelArray,
    rows: LabelArray,
    columns: LabelArray,
    roots: IntArray,
) -> bool:
    """Flood an image from markers, as `tasks.mask.kernels.flood.flood` does.

    Parameters
    ----------
    values, labels
        See there.
    keys, costs, pixels, sources, rows, columns
        Of a `Queue`.
    roots
        From `distances`.

    Returns
    -------
    bool
        Whether the keys can hold the costs; else nothing has been done.
    """
    low, high = extremes(values)
    diagonal = height * height + width * width
    if diagonal >= len(roots) or low <= -WHOLE_LIMIT or high >= WHOLE_LIMIT:
        return False
    integral, marked = True, 0
    # unsigned, because other indices are tested for being negative
    stride, wide = np.uint64(width + 2), np.uint64(width)
    for row in range(height):
        line = labels[(row + 1) * (width + 2) + 1 :]
        for column in range(wide):
            marked += int(line[column] != 0)
    for at in range(len(values)):
        integral &= values[at] == np.trunc(values[at])
    dry = height * width - marked
    pixel_bits = bits_of((height + 2) * (width + 2))
    age_bits = bits_of(4 * dry)
    cost_bits = bits_of(int(high - low) + int(math.sqrt(diagonal)) + 1) + ROOT_BITS
    if not integral or cost_bits + age_bits + pixel_bits > KEY_BITS:
        return False
    # of two keys the first is less if it is so with all bits of its marker's pixel set: those do not count
    blind = (1 << pixel_bits) - 1
    keys[0] = BEFORE_ALL
    keys[1 : 2 << (bits_of(marked + 4 * dry) - 1)] = LAST
    count = 0
    for row in range(height):
        first, begin = np.uint64(row + 1) * stride + ONE, np.uint64(row) * wide
        for column in range(wide):
            costs[first + column] = np.int64(values[begin + column] - low) << (ROOT_BITS + age_bits + pixel_bits)
        for column in range(wide):
            if labels[first + column] != 0:
                push(keys, count, costs[first + column] | np.int64(first + column), blind)
                count += 1
    age, depth = 0, bits_of(count) - 1
    # once all is flooded what is left in the queue changes nothing
    while dry > 0 and count > 0:
        key = keys[1]
        count -= 1
        if 1 << depth > count:
            depth -= 1
        pop(keys, count, depth, blind)
        here = source = np.uint64(key & blind)
        if here == 0:
            number = np.uint64((key >> pixel_bits) & ((1 << age_bits) - 1))
            here, source = np.uint64(pixels[number]), np.uint64(sources[number])
            if labels[here] != 0:
                continue
            dry -= 1
            labels[here] = labels[source]
        up, left, right, down = here - stride, here - ONE, here + ONE, here + stride
        if labels[up] != 0 and labels[left] != 0 and labels[right] != 0 and labels[down] != 0:
            continue
        far, wide_off = rows[here] - rows[source], columns[here] - columns[source]
        near = far * far + wide_off * wide_off + 1
        for neighbour, off in ((up, -far), (left, -wide_off), (right, wide_off), (down, far)):
            if labels[neighbour] == 0:
                age += 1
                pixels[age], sources[age] = neighbour, source
                root = roots[np.uint64(near + 2 * off)] << age_bits
                push(keys, count, costs[neighbour] + ((root | age) << pixel_bits), blind)
                count += 1
                if 2 << depth <= count:
                    depth += 1
    return True


@inner
def push(keys: IntArray, count: int, key: int, blind: int) -> None:
    """Add an entry to a heap of `count`, whose root is `keys[1]`: it rises as long as it is less than its parent.

    The first steps are taken whether it rises or not: as it rises the parent comes down, at its place it is put, and
    from there on all remain as they are.
    """
    index, rises = np.uint64(count + 1), True
    own, least = key, key | blind
    for _ in range(ROUNDS):
        parent = index >> ONE
        above = keys[parent]
        on = least < above
        stays = key if rises else own
        keys[index] = above if on else stays
        own, rises, index = above, on, parent
    if rises:
        while least < keys[index >> ONE]:
            keys[index] = keys[index >> ONE]
            index >>= ONE
        keys[index] = key


@inner
def pop(keys: IntArray, count: int, depth: int, blind: int) -> None:
    """Take the first entry out of a heap, of which `count` are left, 2^`depth` or more.

    The last entry sinks from the root towards the lesser child, the first where both are equal, as long as that is
    less: the child goes up; at its place it is put, and from there on all remain as they are.
    """
    key = keys[count + 1]
    keys[count + 1] = LAST
    index, sinks, own = ONE, True, key
    for _ in range(depth):
        child = index << ONE
        first, second = keys[child], keys[child | ONE]
        less = (second | blind) < first
        child |= np.uint64(less)
        lesser = second if less else first
        on = (lesser | blind) < key
        stays = key if sinks else own
        keys[index] = lesser if on else stays
        own, sinks, index = lesser, on, child
    keys[index] = key if sinks else own
