"""Stopping a run from outside: Ctrl-C, a batch system's SIGTERM, a closed terminal."""

import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that mean: stop."""

GRACE_SECONDS = 15.0
"""Time that a stopped run has to end its workers and its server; batch systems kill after 30 s or more."""

BOUNCE_SECONDS = 1.0
"""A second Ctrl-C within this time is the first one, sent to the process and to its group."""


class Stopped(Exception):  # noqa: N818 - told as a decision of the user's, not as an error
    """The run was stopped by a signal.

    Parameters
    ----------
    number
        The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number
        """Exit status, as shells have it: 130 for Ctrl-C."""


@contextmanager
def stoppable(*, tell: Callable[[str], None], record: Callable[[], None]) -> Iterator[None]:
    """Within the block a signal to stop raises KeyboardInterrupt in the main thread; out of the block comes `Stopped`.

    Handlers alone do not suffice. Prefect replaces the one for SIGTERM while a flow runs; and an exception from a
    handler comes up wherever the program happens to be, even in compiled code, which makes an error of its own of it or
    loses it. So a thread reads which signals came from the interpreter's wakeup descriptor, and ends the process where
    it has not ended within `GRACE_SECONDS`, or at a second Ctrl-C. Nothing breaks by that: results are whole or absent,
    and workers and server end with this process.

    Parameters
    ----------
    tell
        Shows a line to the user; called from another thread.
    record
        Notes that the run was stopped; called once, before this process ends or `Stopped` is raised.

    Raises
    ------
    Stopped
        A signal came and the block did not end well.
    """
    watch = _Watch(tell=tell, record=record)
    try:
        with watch.installed():
            yield
    except BaseException as error:
        if watch.came is None:
            raise
        with suppress(OSError):
            record()
        raise Stopped(watch.came) from error


class _Watch:
    """Reads the signals that come while it is installed; the first one is kept in `came`."""

    def __init__(self, *, tell: Callable[[str], None], record: Callable[[], None]) -> None:
        self.came: int | None = None
        self._raised = False
        self._tell = tell
        self._record = record

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals, except those that this process was told to ignore, as by nohup."""
        reading, writing = socket.socketpair()
        writing.settimeout(0)
        caught = [number for number in ENDS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._handle) for number in caught}
        descriptor = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        thread = threading.Thread(target=self._watch, args=(reading, frozenset(caught)), name="stop", daemon=True)
        thread.start()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(descriptor)
            writing.close()
            thread.join()  # it has read every signal then
            reading.close()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Interrupt the main thread, once: what it does on its way out goes on."""
        del number, frame
        if not self._raised:
            self._raised = True
            raise KeyboardInterrupt

    def _watch(self, signals: socket.socket, caught: frozenset[int]) -> None:
        """Read signals until the other end is closed, or time is up."""
        first = math.inf
        while True:
            try:
                received = signals.recv(1)
            except TimeoutError:
                self._end()
            if not received:
                return
            (number,) = received
            now = time.monotonic()
            if number in caught and self.came is None:
                self.came, first = number, now
                with suppress(OSError):  # the terminal may be gone
                    self._tell("stopping; Ctrl-C again stops at once")
            elif number == signal.SIGINT and now > first + BOUNCE_SECONDS:
                self._end()
            if self.came is not None:
                signals.settimeout(max(first + GRACE_SECONDS - now, 0.001))

    def _end(self) -> NoReturn:
        with suppress(OSError):
            self._record()
        os._exit(128 + (self.came or signal.SIGINT))
