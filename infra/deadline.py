"""A time limit that holds whatever code does, also compiled code that never lets go of the interpreter."""

import faulthandler
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_armed = threading.Lock()
"""There is one such timer per process; of tasks that run at the same time the first one has it."""


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """End this process, with status 1, where the block takes longer; a thread cannot be ended by itself.

    Parameters
    ----------
    seconds
        None is for ever.
    """
    if seconds is None or not _armed.acquire(blocking=False):
        yield
        return
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - faulthandler keeps its descriptor
            faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
            try:
                yield
            finally:
                faulthandler.cancel_dump_traceback_later()
    finally:
        _armed.release()
