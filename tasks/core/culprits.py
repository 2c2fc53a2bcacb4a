"""Which items of a batch end the process that works on them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

TRIALS = 3
"""So often an item has to end a process that works on it alone before it is held to be the reason."""


@dataclass(frozen=True, slots=True)
class Death:
    """How a process ended that worked on some items.

    Parameters
    ----------
    cause
        ``crash``: it ended itself, or broke; ``memory``, ``time``: it was ended at a limit.
    detail
        The exit status or signal, or the limit.
    """

    cause: Literal["crash", "memory", "time"]
    detail: str


def find_culprits(items: Sequence[int], attempt: Callable[[Sequence[int]], Death | None]) -> dict[int, Death]:
    """Bisect items that together end the process that works on them, down to those that do so alone, `TRIALS` times.

    Parameters
    ----------
    attempt
        Works on some of the items in a fresh process, and tells how that ended where it did not end well.

    Returns
    -------
    culprits
        By item, its last death. Empty where only several items together end a process, as when memory is short.

    Examples
    --------
    >>> find_culprits(range(8), lambda some: Death("crash", "exit status 1") if 5 in some else None)
    {5: Death(cause='crash', detail='exit status 1')}
    """
    if len(items) > 1:
        middle = len(items) // 2
        halves = items[:middle], items[middle:]
        deadly = [half for half in halves if len(half) == 1 or attempt(half) is not None]
        return {item: death for half in deadly for item, death in find_culprits(half, attempt).items()}
    death = None
    for _ in range(TRIALS if items else 0):
        death = attempt(items)
        if death is None:
            return {}
    return {items[0]: death} if death else {}
