"""What a task did, in a line that people read."""

from collections.abc import Mapping

import polars as pl

from tasks.core.partition_files import read_faults
from tasks.core.work import StageResult

MOST_NAMED = 3
"""Images that a line names; the folder of the result, and quarantine.parquet at the end, have all."""

LONGEST = 200
"""Characters of a reason."""


def result_message(result: StageResult) -> str:
    """Say what a task counted, and which images it set aside, and why; empty where it counted nothing."""
    told = counts_text(result.counts)
    if not result.counts.get("quarantined"):
        return told
    faults = read_faults(result)
    more = f"; and {len(faults) - MOST_NAMED} more" if len(faults) > MOST_NAMED else ""
    return f"{told}; quarantined: {'; '.join(fault_lines(faults.head(MOST_NAMED)))}{more}"


def counts_text(counts: Mapping[str, int]) -> str:
    """List counts, but for those that are 0; what is before a colon is what the table of export counts.

    Examples
    --------
    >>> counts_text({"images": 1200, "quarantined": 0, "cells:quality:dim": 8})
    '1,200 images, 8 cells quality:dim'
    """
    return ", ".join(f"{count:,} {name.replace(':', ' ', 1)}" for name, count in counts.items() if count)


def fault_lines(faults: pl.DataFrame) -> list[str]:
    """Say of each image that was set aside why, on one line, cut short where it is long."""
    lines = (
        f"{image} ({error}: {' '.join(message.split())})"
        for image, error, message in faults.select("meta__image", "error", "message").iter_rows()
    )
    return [line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…" for line in lines]
