"""What is known of a run while it goes on: its log, and what its artifacts show."""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from logging import Logger, LoggerAdapter

import polars as pl

from flows.engine.decision_summary import DecisionSummary
from flows.watching.artifacts import Artifact, progress, table
from flows.watching.partitions import PartitionTable, one_or_range
from tasks.core.partition_files import read_faults
from tasks.core.result_message import counts_text, fault_lines
from tasks.core.work import Partition, StageResult

MOST_LINES = 50
"""Images that were set aside and have a line of their own in the log."""

LONG_SECONDS, LONG_LINES = 60.0, 4
"""A stage that has taken longer has lines before its end, too: one at every quarter."""

TABLE = "Partitions of the images, in order; filtered: cells found and not kept, as far as that is decided yet."


@dataclass(slots=True)
class _Stage:
    """How far a stage is."""

    total: int = 0
    done: int = 0
    cached: int = 0
    failed: int = 0
    start: float | None = None
    end: float | None = None
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def seconds(self) -> float:
        """Since its first task was sent, until its last one was done."""
        return 0.0 if self.start is None else (self.end or time.monotonic()) - self.start

    def reached(self, parts: int) -> bool:
        """Whether the last task that is done completes one of so many parts of the stage."""
        return self.done * parts // self.total > (self.done - 1) * parts // self.total

    @property
    def left(self) -> str:
        """How long the rest will take, if it goes on as it did."""
        return f", about {self.seconds / self.done * (self.total - self.done):,.0f} s left" if self.done else ""

    def describe(self, name: str) -> str:
        """Say it in a line."""
        cached = f", {self.cached:,} of them from an earlier run" if self.cached else ""
        failed = f", {self.failed:,} failed" if self.failed else ""
        counts = f"; {text}" if (text := counts_text(self.counts)) else ""
        done = f"{self.done:,} of " if self.done < self.total else ""
        tasks = f"{done}{self.total:,} {'task' if self.total == 1 else 'tasks'} in {self.seconds:,.0f} s"
        left = self.left if self.done < self.total else ""
        return f"{name}: {tasks}{left}{cached}{failed}{counts}"


class Board:
    """Takes in what a run does; its artifacts are looked at from another thread.

    Parameters
    ----------
    partitions
        All partitions of the run.
    last
        Name of the stage after which a partition is done.
    run_id
        Name of the run; other runs' results were cached.
    log
        The flow run's.
    prefix
        With which the keys of artifacts begin.
    """

    def __init__(
        self,
        partitions: Sequence[Partition],
        *,
        last: str,
        run_id: str,
        log: "Logger | LoggerAdapter[Logger]",
        prefix: str,
    ) -> None:
        self._table = PartitionTable(partitions, last=last)
        self._stages: dict[str, _Stage] = {}
        self._run_id = run_id
        self._log = log
        self._prefix = prefix
        self._lines = 0
        self._lock = threading.Lock()

    def planned(self, stage: str, *, total: int) -> None:
        """Take note of a stage of so many tasks, or of so many more of a stage."""
        with self._lock:
            own = self._stages.setdefault(stage, _Stage())
            own.total += total
            own.end = None

    def begun(self, stage: str) -> None:
        """Take note that its first task was sent."""
        with self._lock:
            own = self._stages[stage]
            own.start = own.start or time.monotonic()

    def advanced(self, stage: str) -> None:
        """Take note that one of its tasks is done; after the last one the log says what they counted."""
        self.begun(stage)
        with self._lock:
            own = self._stages[stage]
            own.done += 1
            if own.done < own.total and not (own.seconds > LONG_SECONDS and own.reached(LONG_LINES)):
                return
            if own.done == own.total:
                own.end = time.monotonic()
            line = own.describe(stage)
        self._log.info(line)

    def sent(self, stage: str, partition: Partition | None) -> None:
        """Take note that a task of a stage was sent to a worker."""
        if partition is not None:
            with self._lock:
                self._table.sent(stage, partition)

    def ended(self, stage: str, partition: Partition | None, result: StageResult | None) -> None:
        """Take note of what a task returned, or that it failed."""
        if partition is None:
            return
        with self._lock:
            self._table.ended(stage, partition, result)
            own = self._stages.get(stage)
            if own is not None and result is None:
                own.failed += 1
            elif own is not None and result is not None:
                own.cached += result.run_id != self._run_id
                own.counts.update(result.counts)
        if result is not None and result.counts.get("quarantined") and self._lines <= MOST_LINES:
            with suppress(Exception):  # what cannot be read now is in quarantine.parquet, or the run tells why not
                where = f"{stage}, images {one_or_range(partition.start + 1, partition.stop)}"
                self.quarantined(read_faults(result), where=where)

    def quarantined(self, faults: pl.DataFrame, *, where: str) -> None:
        """Let the log name images that were set aside, and why, the first `MOST_LINES` of a run."""
        for line in fault_lines(faults.head(MOST_LINES + 1 - self._lines)):
            self._lines += 1
            if self._lines > MOST_LINES:
                self._log.warning("more images were quarantined; quarantine.parquet will list them all")
                return
            self._log.warning("%s: quarantined %s", where, line)

    def decided(self, decision: DecisionSummary) -> None:
        """Let the log say what was decided over the whole data set."""
        self._log.info(decision.line)

    def note(self, line: str) -> None:
        """Let the log tell of something that holds a stage up."""
        self._log.warning(line)

    def artifacts(self) -> list[Artifact]:
        """Return how they are by now."""
        with self._lock:
            return [*self._progress(), table(f"{self._prefix}-partitions", rows=self._table.rows(), description=TABLE)]

    def _progress(self) -> Iterator[Artifact]:
        for name, own in self._stages.items():
            if own.start is not None:
                key = f"{self._prefix}-{re.sub('[^a-z0-9]+', '-', name.casefold())}"
                yield progress(key, percent=round(100 * own.done / own.total, 1), description=own.describe(name))
