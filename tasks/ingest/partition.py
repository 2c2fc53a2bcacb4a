"""Which images are worked on together: runs of the table, cut where the images' own names say so."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from tasks.core.types import IntArray

PARTITIONS = 72
"""Partitions of automatic size that a large data set has at least, on average; sizes are powers of two, so that there
are fewer than twice as many."""

WORTHWHILE_IMAGES, WORTHWHILE_BYTES = 32, 2 * 2**20
"""A partition that has neither is not worth a task of its own, which costs a tenth of a second."""

MOST_IMAGES, MOST_BYTES = 4096, 2**30
"""Images and pixels that partitions of automatic size have on average at most, so that a task takes no more than some
minutes. Memory is no reason: tasks read a partition in batches."""

LONGEST = 2
"""No partition is longer than so many average ones."""

Draws = npt.NDArray[np.uint64]


class Named(Protocol):
    """Something that stands for an image."""

    @property
    def image(self) -> str:
        """The image's identity."""


NamedT = TypeVar("NamedT", bound=Named)


def average_size(count: int, *, bytes_per_image: int) -> int:
    """Return the images that a partition has on average where the configuration says ``auto``: a power of two.

    It depends on the inputs alone, never on the number of workers, so that a run can be resumed on another machine; and
    it changes only each time that a data set doubles, when about four of five partitions become others.

    Parameters
    ----------
    count
        Images of the data set.
    bytes_per_image
        Bytes of the channels in use of a typical image.

    Examples
    --------
    >>> [average_size(count, bytes_per_image=60_000) for count in (100, 5_000, 50_000, 250_000, 10**6)]
    [32, 64, 512, 2048, 4096]
    >>> average_size(20, bytes_per_image=8 * 2**20)
    1
    """
    image = max(bytes_per_image, 1)
    least = min(WORTHWHILE_IMAGES, WORTHWHILE_BYTES // image)
    most = min(MOST_IMAGES, MOST_BYTES // image)
    return 1 << max(1, min(most, max(least, count // PARTITIONS))).bit_length() - 1


def partition(references: Sequence[NamedT], *, size: int) -> list[tuple[int, int]]:
    """Cut the table of images into runs of rows.

    Every image draws a number from its identity, and begins a partition if none of its `size` neighbors drew a smaller
    one. So what is cut at an image depends on its neighbors alone: images that are added or removed leave all
    partitions as they are but those in which, or right beside which, they lie.

    Parameters
    ----------
    references
        All images, in table order.
    size
        Images per partition, on average. None has more than twice as many, or less than half as many unless there are
        no more; what the draw leaves too long is cut at the smallest number in its middle third.

    Returns
    -------
    list of tuple
        Half-open ranges (start, stop) that cover all rows in order; none for no image.

    Raises
    ------
    ValueError
        The size is less than one.
    """
    if size < 1:
        raise ValueError(f"a partition needs at least one image, got a size of {size}")
    draws = np.array([_draw(reference.image) for reference in references], dtype=np.uint64)
    edges = [0, *(int(row) for row in _least_of_neighbors(draws, size=size) if row), len(draws)]
    return [part for start, stop in pairwise(edges) for part in _shortened(draws, start, stop, most=LONGEST * size)]


def _draw(image: str) -> int:
    return int.from_bytes(hashlib.blake2b(image.encode(errors="surrogatepass"), digest_size=8).digest(), "big")


def _least_of_neighbors(draws: Draws, *, size: int) -> IntArray:
    """Return where the smallest number of each window of `size` stands in its middle; windows are never cut."""
    if len(draws) < size:
        return np.zeros(0, dtype=np.int64)
    least, width = draws, 1
    while width < size:
        step = min(width, size - width)
        least, width = np.minimum(least[:-step], least[step:]), width + step
    before = size // 2
    return np.flatnonzero(draws[before : before + len(least)] == least) + before


def _shortened(draws: Draws, start: int, stop: int, *, most: int) -> Iterator[tuple[int, int]]:
    """Cut a run until no part is longer than `most`; which looks at nothing outside of it."""
    if stop - start <= most:
        if stop > start:
            yield start, stop
        return
    third = (stop - start) // 3
    cut = start + third + int(np.argmin(draws[start + third : stop - third]))
    yield from _shortened(draws, start, cut, most=most)
    yield from _shortened(draws, cut, stop, most=most)


def sample(references: Sequence[NamedT], *, count: int, seed: int) -> tuple[NamedT, ...]:
    """Choose images at random, in table order; all of them where there are no more than `count`.

    Every image draws a number from its identity and the seed, and the smallest ones are taken. So the choice does not
    depend on a library's random numbers, a larger sample contains the smaller one, and further images in the folder
    change little.
    """
    if count >= len(references):
        return tuple(references)

    def draw(position: int) -> tuple[bytes, int]:
        text = f"{seed}/{references[position].image}"
        return hashlib.blake2b(text.encode(), digest_size=16).digest(), position

    chosen = sorted(range(len(references)), key=draw)[:count]
    return tuple(references[position] for position in sorted(chosen))
