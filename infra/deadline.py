"""A time limit that holds whatever code does, also compiled code that never lets go of the interpreter."""

import faulthandler
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_ends: dict[object, float] = {}
"""Of the tasks that run in this process, which has one timer for all."""

_nowhere = open(os.devnull, "w")  # noqa: PTH123, SIM115 - faulthandler keeps its descriptor
"""Where the stack at the end is written, which nobody would read."""


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """End this process, with status 1, where the block takes longer; a thread cannot be ended by itself.

    Parameters
    ----------
    seconds
        None is for ever.
    """
    if seconds is None:
        yield
        return
    own = object()
    _note(own, end=time.monotonic() + seconds)
    try:
        yield
    finally:
        _note(own, end=None)


def _note(own: object, *, end: float | None) -> None:
    """Set the timer to the first of the ends."""
    with _lock:
        if end is None:
            del _ends[own]
        else:
            _ends[own] = end
        faulthandler.cancel_dump_traceback_later()
        if _ends:
            left = max(min(_ends.values()) - time.monotonic(), 0.001)
            faulthandler.dump_traceback_later(left, exit=True, file=_nowhere)
