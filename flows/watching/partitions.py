"""A table of a run's partitions: how far each is, and what was counted in it; of bounded length."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.core.work import Partition, StageResult

MOST_ROWS = 200
"""Of more partitions than this, several share a row."""

WAITING, DONE = "waiting", "done"


@dataclass(slots=True)
class _Row:
    """What is known of one partition; None is not known yet."""

    state: str = WAITING
    cells: int | None = None
    kept: int = 0
    quarantined: int = 0


class PartitionTable:
    """Keeps account of the partitions of a run.

    Parameters
    ----------
    partitions
        All of them, in order.
    last
        Name of the stage after which a partition is done.
    """

    def __init__(self, partitions: Sequence[Partition], *, last: str) -> None:
        self._partitions = partitions
        self._last = last
        self._rows = [_Row() for _ in partitions]

    def sent(self, stage: str, partition: Partition) -> None:
        """Note that a task of a partition was sent to a worker."""
        self._rows[partition.number].state = f"{stage} under way"

    def ended(self, stage: str, partition: Partition, result: StageResult | None) -> None:
        """Note what a task of a partition counted; None if it failed."""
        row = self._rows[partition.number]
        if result is None:
            row.state = f"{stage} failed"
            return
        row.state = DONE if stage == self._last else f"{stage} done"
        row.quarantined += result.counts.get("quarantined", 0)
        if "kept" in result.counts or {"images", "cells"} <= result.counts.keys():  # what finds the cells
            row.cells, row.kept = result.counts["cells"], result.counts.get("kept", 0)
        row.kept = result.counts.get("rows", row.kept)

    def rows(self) -> list[dict[str, object]]:
        """Return a row for all partitions, then one for each, or for each few of them, at most `MOST_ROWS`.

        ``filtered`` are cells that were found and are not kept, as far as that is decided yet.
        """
        together = -(-len(self._rows) // MOST_ROWS)
        starts = range(0, len(self._rows), together or 1)
        return [self._sum(0, len(self._rows), name="all")] + [
            self._sum(start, min(start + together, len(self._rows))) for start in starts
        ]

    def _sum(self, start: int, stop: int, *, name: str = "") -> dict[str, object]:
        rows, partitions = self._rows[start:stop], self._partitions[start:stop]
        states = Counter(row.state for row in rows)
        known = [row for row in rows if row.cells is not None]
        cells = sum(row.cells or 0 for row in known)
        return {
            "partition": name or one_or_range(start + 1, stop),
            "state": ", ".join(f"{count:,} {state}" for state, count in states.items())
            if len(states) > 1
            else next(iter(states)),
            "images": one_or_range(partitions[0].start + 1, partitions[-1].stop),
            "quarantined": sum(row.quarantined for row in rows),
            "cells": cells if known else None,
            "filtered": cells - sum(row.kept for row in known) if known else None,
        }


def one_or_range(first: int, last: int) -> str:
    """Write numbers from the first to the last.

    Examples
    --------
    >>> one_or_range(1, 32), one_or_range(7, 7)
    ('1-32', '7')
    """
    return f"{first}" if first == last else f"{first}-{last}"
