"""Stopping a run: Ctrl-C, a batch system's SIGTERM, a closed terminal, a cancel through Prefect, a lost server."""

import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import FrameType
from typing import NoReturn

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that mean: stop."""

REASONS = {
    signal.SIGINT: "stopped by Ctrl-C",
    signal.SIGTERM: "stopped by SIGTERM, which batch systems send",
    signal.SIGHUP: "stopped since its terminal was closed",
}

WAKE = signal.SIGURG
"""Interrupts what the main thread waits for; nobody else sends it, and by itself it does nothing."""

GRACE_SECONDS = 15.0
"""Time that a stopped run has to end its workers and its server; batch systems kill after 30 s or more."""

BOUNCE_SECONDS = 1.0
"""A second Ctrl-C within this time is the first one, sent to the process and to its group."""


class Stopped(Exception):  # noqa: N818 - told as a decision of the user's, not as an error
    """The run was stopped from outside.

    Parameters
    ----------
    reason
        By whom or what.
    status
        Exit status, as shells have it: 130 for Ctrl-C.
    """

    def __init__(self, reason: str, *, status: int = 128 + signal.SIGINT) -> None:
        super().__init__(reason)
        self.status = status

    @classmethod
    def by_signal(cls, number: int) -> "Stopped":
        """Tell of a signal."""
        return cls(REASONS[signal.Signals(number)], status=128 + number)


class Stop:
    """What makes the block of `stoppable` end: a signal, or a thread that calls `interrupt`.

    Parameters
    ----------
    tell
        Shows a line to the user; called from another thread.
    record
        Notes why the run ends; called once, before this process ends or that error is raised.
    """

    def __init__(self, *, tell: Callable[[str], None], record: Callable[[Exception], None]) -> None:
        self.error: Exception | None = None
        """Why the block ends, as soon as that is known: the first reason that came."""
        self._raised = False
        self._take: Callable[[Exception], None] | None = None
        self._tell = tell
        self._record = record
        self._reading, self._writing = socket.socketpair()
        self._writing.settimeout(0)

    def interrupt(self, error: Exception) -> None:
        """End the block with an error; callable from any thread."""
        if self.error is None:
            self.error = error
            with suppress(OSError):  # the block has ended
                self._writing.send(bytes([0]))
                signal.pthread_kill(threading.main_thread().ident or 0, WAKE)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals, except those that this process was told to ignore, as by nohup."""
        caught = [number for number in ENDS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._handle) for number in (*caught, WAKE)}
        descriptor = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        thread = threading.Thread(target=self._watch, args=(frozenset(caught),), name="stop", daemon=True)
        thread.start()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(descriptor)
            self._writing.close()
            thread.join()  # it has read every signal then
            self._reading.close()

    @contextmanager
    def handed_to(self, take: Callable[[Exception], None]) -> Iterator[None]:
        """Within the block the reason is handed over, from another thread, in place of an exception in the main one.

        That comes up wherever the program happens to be; who waits for results anyway can end in good order.
        """
        self._take = take
        try:
            yield
        finally:
            self._take = None

    def note(self, error: Exception) -> None:
        """Record why the run ends, as far as the disk lets us."""
        with suppress(OSError):
            self._record(error)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Interrupt the main thread, once: what it does on its way out goes on."""
        del frame
        if not self._raised and (number != WAKE or self.error is not None):
            self._raised = True
            if self._take is None:
                raise KeyboardInterrupt

    def _watch(self, caught: frozenset[int]) -> None:
        """Read signals until the other end is closed, or time is up."""
        first = math.inf
        while True:
            try:
                received = self._reading.recv(1)
            except TimeoutError:
                self._end()
            if not received:
                return
            (number,) = received
            now = time.monotonic()
            if number in caught and self.error is None:
                self.error = Stopped.by_signal(number)
            elif number == signal.SIGINT and now > first + BOUNCE_SECONDS:
                self._end()
            if self.error is None:
                continue
            if first == math.inf:
                first = now
                again = "; Ctrl-C again stops at once" if number == signal.SIGINT else ""
                with suppress(OSError):  # the terminal may be gone
                    self._tell(f"stopping{again}" if again else f"ending: {self.error}")
                if self._take is not None:
                    self._take(self.error)
            self._reading.settimeout(max(first + GRACE_SECONDS - now, 0.001))

    def _end(self) -> NoReturn:
        error = self.error or Stopped.by_signal(signal.SIGINT)
        self.note(error)
        os._exit(error.status if isinstance(error, Stopped) else 1)


_current: ContextVar[Stop | None] = ContextVar("stop", default=None)


def current_stop() -> Stop | None:
    """Return what ends the block of `stoppable` in which this is called."""
    return _current.get()


@contextmanager
def stoppable(*, tell: Callable[[str], None], record: Callable[[Exception], None]) -> Iterator[Stop]:
    """Within the block a reason to stop raises KeyboardInterrupt in the main thread; out of it comes that reason.

    Handlers alone do not suffice. Prefect replaces the one for SIGTERM while a flow runs; and an exception from a
    handler comes up wherever the program happens to be, even in compiled code, which makes an error of its own of it or
    loses it. So a thread reads which signals came from the interpreter's wakeup descriptor, and ends the process where
    it has not ended within `GRACE_SECONDS`, or at a second Ctrl-C. Nothing breaks by that: results are whole or absent,
    and workers and server end with this process.

    Parameters
    ----------
    tell, record
        See `Stop`.

    Raises
    ------
    Stopped
        A signal came and the block did not end well.
    Exception
        What `Stop.interrupt` was given.
    """
    stop = Stop(tell=tell, record=record)
    token = _current.set(stop)
    try:
        with stop.installed():
            yield stop
    except BaseException as error:
        if stop.error is None:
            raise
        stop.note(stop.error)
        raise stop.error from (error if error is not stop.error else error.__cause__)
    finally:
        _current.reset(token)
