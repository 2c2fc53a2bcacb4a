"""Who is told what becomes of a run's partitions, task by task."""

from typing import Protocol

from flows.engine.decision_summary import DecisionSummary
from tasks.core.work import Partition, StageResult


class Watcher(Protocol):
    """Is told what a run does; whatever it makes of that, it returns at once and raises nothing."""

    def sent(self, stage: str, partition: Partition | None) -> None:
        """Take note that a task of a stage was sent to a worker; None where it works on no partition of its own."""

    def ended(self, stage: str, partition: Partition | None, result: StageResult | None) -> None:
        """Take note of what a task returned, or that it failed."""

    def decided(self, decision: DecisionSummary) -> None:
        """Take note of what was decided over the whole data set."""


class Unwatched:
    """Nobody is told."""

    def sent(self, stage: str, partition: Partition | None) -> None:
        """Ignore it."""

    def ended(self, stage: str, partition: Partition | None, result: StageResult | None) -> None:
        """Ignore it."""

    def decided(self, decision: DecisionSummary) -> None:
        """Ignore it."""


UNWATCHED: Watcher = Unwatched()
