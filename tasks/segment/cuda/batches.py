"""Fields that a GPU works on at the same time: as many as its free memory holds."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tasks.segment.batches import in_batches

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

BYTES = 128
"""Memory that a field may take at a time, per pixel: half as much again as arrays take, for sorting and gaps."""
MOST = 8
"""Fields at a time: small ones so fill a GPU, which the kernels of one of them leave idle in part."""


def fields_at_once(pixels: int, *, free: int) -> int:
    """Say how many fields of that many pixels to work on at a time where so many bytes are free; at least 1.

    Examples
    --------
    >>> fields_at_once(2048 * 2048, free=2 << 30), fields_at_once(512 * 512, free=2 << 30)
    (4, 8)
    """
    return max(1, min(MOST, free // (BYTES * max(pixels, 1))))


def in_gpu_batches(work: Callable[[ItemT], ResultT], fields: Sequence[ItemT], *, pixels: int) -> Iterator[ResultT]:
    """Do some work on each field, each on a stream of its own; see `tasks.segment.batches.in_batches`.

    Parameters
    ----------
    pixels
        Of the largest field.
    """
    import cupy

    def on_stream(field: ItemT) -> ResultT:
        with cupy.cuda.Stream(non_blocking=True):
            return work(field)

    pool = cupy.get_default_memory_pool()
    free = int(cupy.cuda.Device().mem_info[0]) + int(pool.free_bytes())
    return in_batches(on_stream, fields, at_once=fields_at_once(pixels, free=free), release=pool.free_all_blocks)
