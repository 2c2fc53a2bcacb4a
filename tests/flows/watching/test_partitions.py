"""The table of partitions: states, counts, and its length."""

import pytest

from flows.watching.partitions import MOST_ROWS, PartitionTable
from tasks.core.work import Partition, StageResult


def partitions(count: int) -> list[Partition]:
    return [Partition(number=n, index="", start=10 * n, stop=10 * n + 10, digest=str(n)) for n in range(count)]


def result(**counts: int) -> StageResult:
    return StageResult(key="", folder="", counts=counts, seconds=1.0, peak_bytes=0, run_id="me")


def test_a_row_tells_how_far_a_partition_is_and_what_was_counted_in_it() -> None:
    first, second, third = partitions(3)
    table = PartitionTable([first, second, third], last="features")
    table.sent("mask", first)
    table.ended("mask", first, result(images=10, quarantined=1, cells=9, kept=7, border=2))
    table.sent("features", first)
    table.ended("features", first, result(rows=5, quarantined=1))
    table.sent("mask", second)
    assert table.rows() == [
        {
            "partition": "all",
            "state": "1 done, 1 mask under way, 1 waiting",
            "images": "1-30",
            "quarantined": 2,
            "cells": 9,
            "filtered": 4,
        },
        {"partition": "1", "state": "done", "images": "1-10", "quarantined": 2, "cells": 9, "filtered": 4},
        {
            "partition": "2",
            "state": "mask under way",
            "images": "11-20",
            "quarantined": 0,
            "cells": None,
            "filtered": None,
        },
        {"partition": "3", "state": "waiting", "images": "21-30", "quarantined": 0, "cells": None, "filtered": None},
    ]


def test_a_failed_task_shows() -> None:
    (only,) = partitions(1)
    table = PartitionTable([only], last="features")
    table.ended("mask", only, None)
    assert table.rows()[1]["state"] == "mask failed"


def test_cells_of_metrics_do_not_count_again() -> None:
    (only,) = partitions(1)
    table = PartitionTable([only], last="features")
    table.ended("mask", only, result(images=10, cells=10, kept=8))
    table.ended("quality metrics", only, result(cells=8, quarantined=0))
    assert (table.rows()[1]["cells"], table.rows()[1]["filtered"]) == (10, 2)


@pytest.mark.parametrize("count", [1, MOST_ROWS, MOST_ROWS + 1, 5000])
def test_many_partitions_share_rows_and_none_is_lost(count: int) -> None:
    table = PartitionTable(all_ := partitions(count), last="features")
    for partition in all_:
        table.ended("mask", partition, result(images=10, cells=10, kept=9, quarantined=1))
    everything, *rows = table.rows()
    assert len(rows) <= MOST_ROWS
    assert rows[0]["images"] == ("1-10" if count <= MOST_ROWS else f"1-{10 * -(-count // MOST_ROWS)}")
    for name, each in {"cells": 10, "filtered": 1, "quarantined": 1}.items():
        assert everything[name] == sum(row[name] for row in rows) == each * count  # type: ignore[misc]
