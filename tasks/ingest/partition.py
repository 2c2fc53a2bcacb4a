"""Which images are worked on together."""

import hashlib
from collections.abc import Sequence
from typing import Literal, Protocol, TypeVar

from tasks.ingest.references import ImageReference

TARGET_BYTES = 32 * 2**20
"""Pixels that a partition of automatic size holds at most: a few seconds of work, a small part of a worker's memory."""

MOST_IMAGES = 500
"""Images that a partition of automatic size holds at most, however small they are."""

PARTITIONS = 16
"""Partitions that a small data set is cut into, so that all workers have some."""

WORTHWHILE_IMAGES, WORTHWHILE_BYTES = 16, 2**20
"""A partition that has neither is not worth a task of its own."""


class Named(Protocol):
    """Something that stands for an image."""

    @property
    def image(self) -> str:
        """The image's identity."""


NamedT = TypeVar("NamedT", bound=Named)


def partition(
    references: Sequence[ImageReference], *, size: int | Literal["auto"], bytes_per_image: int
) -> list[tuple[int, int]]:
    """Cut the table of images into runs of rows.

    Parameters
    ----------
    references
        All images, in table order.
    size
        Images per partition; ``auto`` makes about 16 partitions, but none of more than 500 images or 32 MiB of pixels,
        and none of less than 16 images and 1 MiB. It depends on the inputs alone, never on the number of workers, so
        that a run can be resumed on another machine.
    bytes_per_image
        Bytes of the channels in use of a typical image.

    Returns
    -------
    list of tuple
        Half-open ranges (start, stop) that cover all rows in order; none for no image.
    """
    count = len(references)
    if size == "auto":
        image = max(bytes_per_image, 1)
        least = min(WORTHWHILE_IMAGES, WORTHWHILE_BYTES // image)
        most = min(MOST_IMAGES, TARGET_BYTES // image)
        step = max(1, min(most, max(least, -(-count // PARTITIONS))))
    else:
        step = size
    if step < 1:
        raise ValueError(f"a partition needs at least one image, got a size of {step}")
    return [(start, min(start + step, count)) for start in range(0, count, step)]


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
