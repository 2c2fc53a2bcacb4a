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
    """Bisect items down to those that end the process that works on them, each alone, `TRIALS` times.

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
    if not items:
        return {}
    death = attempt(items)
    if death is None:
        return {}
    if len(items) > 1:
        middle = len(items) // 2
        return find_culprits(items[:middle], attempt) | find_culprits(items[middle:], attempt)
    for _ in range(TRIALS - 1):
        again = attempt(items)
        if again is None:
            return {}
        death = again
    return {items[0]: death}
