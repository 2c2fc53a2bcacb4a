"""Progress of a run: a bar per stage on a terminal, plain lines elsewhere, the flow run's log under Prefect."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol

from prefect import get_run_logger
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars


class Counter:
    """Counts one stage's finished tasks, and its time."""

    def __init__(self, show: Callable[[int], None]) -> None:
        self._show = show
        self._done = 0
        self._start = time.perf_counter()

    def advance(self) -> None:
        """Count one more."""
        self._done += 1
        self._show(self._done)

    @property
    def seconds(self) -> float:
        """Wall time since the stage began."""
        return time.perf_counter() - self._start


class Progress(Protocol):
    """Where progress is shown."""

    def stage(self, name: str, *, total: int) -> AbstractContextManager[Counter]:
        """Begin a stage of `total` tasks."""


class NoProgress:
    """Nothing is shown."""

    @contextmanager
    def stage(self, name: str, *, total: int) -> Iterator[Counter]:
        """Begin a stage of `total` tasks."""
        del name, total
        yield Counter(lambda _: None)


class BarProgress:
    """Bars that move on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def stage(self, name: str, *, total: int) -> Iterator[Counter]:
        """Begin a stage of `total` tasks."""
        columns = (
            TextColumn("{task.description:<16}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Bars(*columns, console=self._console) as bars:
            bar = bars.add_task(name, total=total)
            yield Counter(lambda done: bars.update(bar, completed=done))


class LineProgress:
    """Lines of text, one at every tenth of a stage."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    @contextmanager
    def stage(self, name: str, *, total: int) -> Iterator[Counter]:
        """Begin a stage of `total` tasks."""

        def show(done: int) -> None:
            if done * 10 // total > (done - 1) * 10 // total:
                self._write(f"{name}: {done} of {total}, {counter.seconds:.1f} s")

        counter = Counter(show)
        yield counter


_shown: ContextVar[Progress | None] = ContextVar("shown", default=None)


def show_progress(progress: Progress) -> None:
    """Choose where the flows started from here show their progress."""
    _shown.set(progress)


def current_progress() -> Progress:
    """Return what `show_progress` chose, else the flow run's log."""
    return _shown.get() or LineProgress(get_run_logger().info)
