"""One faulty item does not take the others of its batch along."""

from collections.abc import Callable
from typing import TypeVar

from tasks.core.errors import UserError

ResultT = TypeVar("ResultT")


def isolate_faults(
    count: int, work: Callable[[range], ResultT]
) -> tuple[list[tuple[range, ResultT]], list[tuple[int, Exception]]]:
    """Do some work on all items of a batch at once; where that fails, on its halves, down to the item that fails.

    Parameters
    ----------
    count
        Number of items.
    work
        Works on the items of a range.

    Returns
    -------
    results, faults
        Ranges of items with what the work made of them, in order; and items on which it fails alone, with the reason.

    Raises
    ------
    MemoryError
        As the work raises it: with smaller batches there may be enough.
    UserError
        Likewise: what the user has to mend, such as the configuration, is no item's fault.

    Examples
    --------
    >>> values = [4, 0, 2]
    >>> results, faults = isolate_faults(3, lambda rows: [8 // values[row] for row in rows])
    >>> results, [(row, type(error).__name__) for row, error in faults]
    ([(range(0, 1), [2]), (range(2, 3), [4])], [(1, 'ZeroDivisionError')])
    """
    return _isolate(range(count), work) if count else ([], [])


def _isolate(
    rows: range, work: Callable[[range], ResultT]
) -> tuple[list[tuple[range, ResultT]], list[tuple[int, Exception]]]:
    try:
        return [(rows, work(rows))], []
    except (MemoryError, UserError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever one item does, the others go on
        if len(rows) == 1:
            return [], [(rows[0], error)]
    middle = len(rows) // 2
    results, faults = _isolate(rows[:middle], work)
    more_results, more_faults = _isolate(rows[middle:], work)
    return results + more_results, faults + more_faults
