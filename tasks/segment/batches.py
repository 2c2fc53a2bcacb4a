"""Several fields at a time, as many as there is memory for."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


def in_batches(
    work: Callable[[ItemT], ResultT], items: Sequence[ItemT], *, at_once: int, release: Callable[[], object]
) -> Iterator[ResultT]:
    """Do some work on each item, on several at a time in threads; where memory runs out, on half as many from then on.

    Parameters
    ----------
    at_once
        How many at first, at least 1; one alone is worked on in this thread.
    release
        Gives memory back that is kept for reuse; called before a batch that ran out of it is done anew.

    Yields
    ------
    ResultT
        What the work made of each item, in order.

    Raises
    ------
    MemoryError
        There is not enough for one item alone.

    Examples
    --------
    >>> list(in_batches(abs, [-1, 2, -3], at_once=2, release=lambda: None))
    [1, 2, 3]
    """
    start = 0
    while start < len(items):
        batch = items[start : start + at_once]
        try:
            results = _together(work, batch)
        except MemoryError:
            if len(batch) == 1:
                raise
            at_once = len(batch) // 2
            release()
            continue
        yield from results
        start += len(batch)


def _together(work: Callable[[ItemT], ResultT], batch: Sequence[ItemT]) -> list[ResultT]:
    if len(batch) == 1:
        return [work(batch[0])]
    with ThreadPoolExecutor(len(batch)) as pool:
        return list(pool.map(work, batch))
