"""Progress of a run: a bar per stage on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

SPEED_SECONDS = 3600.0
"""Time over which the speed of a stage is averaged: tasks are few and take long."""


class StageProgress(Protocol):
    """Counts one stage's finished tasks."""

    def begin(self) -> None:
        """Start the clock, unless it runs: the first task is on its way."""

    def advance(self) -> None:
        """Count one more."""


class Progress(AbstractContextManager["Progress"], Protocol):
    """Where progress is shown, of several stages at a time."""

    def stage(self, name: str, *, total: int) -> StageProgress:
        """Begin a stage of `total` tasks."""

    def note(self, line: str) -> None:
        """Tell of something that holds a stage up."""


class Ending:
    """Nothing to end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace


class BarProgress(Bars):
    """Bars that move on a terminal, each with the time that is left."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            TextColumn("{task.description:<16}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            speed_estimate_period=SPEED_SECONDS,
        )

    def stage(self, name: str, *, total: int) -> StageProgress:
        """Begin a stage of `total` tasks."""
        bar = self.add_task(name, total=total, start=False)
        return _Counter(begin=lambda: self.start_task(bar), show=lambda *_: self.advance(bar))

    def note(self, line: str) -> None:
        """Print a line above the bars."""
        self.console.print(line, highlight=False, markup=False)


class _Counter:
    """Counts, and tells how many there are, and after what time."""

    def __init__(self, *, show: Callable[[int, float], None], begin: Callable[[], None] = lambda: None) -> None:
        self._show = show
        self._begin = begin
        self._done = 0
        self._start: float | None = None

    def begin(self) -> None:
        """Start the clock, unless it runs."""
        if self._start is None:
            self._start = time.perf_counter()
            self._begin()

    def advance(self) -> None:
        """Count one more."""
        self.begin()
        self._done += 1
        self._show(self._done, time.perf_counter() - (self._start or 0))


class LineProgress(Ending):
    """Lines of text, one at every tenth of a stage, each with the time that is left."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def stage(self, name: str, *, total: int) -> StageProgress:
        """Begin a stage of `total` tasks."""

        def show(done: int, seconds: float) -> None:
            if done * 10 // total > (done - 1) * 10 // total:
                left = f", about {seconds / done * (total - done):.0f} s left" if done < total else ""
                self._write(f"{name}: {done} of {total}, {seconds:.1f} s{left}")

        return _Counter(show=show)

    def note(self, line: str) -> None:
        """Write a line."""
        self._write(line)


_current: ContextVar[Progress | None] = ContextVar("current", default=None)


def show_progress(progress: Progress) -> None:
    """Choose where the flows started from here show their progress."""
    _current.set(progress)


def current_progress() -> Progress | None:
    """Return what `show_progress` chose, if it did."""
    return _current.get()
