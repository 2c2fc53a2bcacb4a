"""What the log of a flow run says while it goes on."""

import json
import logging
from pathlib import Path

import polars as pl
import pytest

from flows.engine.decision_summary import DecisionSummary
from flows.watching.board import MOST_LINES, Board
from tasks.core.errors import Fault
from tasks.core.partition_files import fault_table, write_faults
from tasks.core.work import Partition, StageResult

PARTITIONS = [Partition(number=n, index="", start=8 * n, stop=8 * n + 8, digest=str(n)) for n in range(2)]


@pytest.fixture
def board(caplog: pytest.LogCaptureFixture) -> Board:
    caplog.set_level("INFO")
    return Board(PARTITIONS, last="features", run_id="me", log=logging.getLogger("board"), prefix="preprocess")


def faults(count: int) -> pl.DataFrame:
    return fault_table(
        Fault(image=f"plate/{n}.tif", stage="mask", error="PixelError", message="cut\nshort") for n in range(count)
    )


def result(folder: Path, *, run_id: str = "me", **counts: int) -> StageResult:
    return StageResult(key="", folder=str(folder), counts=counts, seconds=1.0, peak_bytes=0, run_id=run_id)


def test_a_stage_is_told_with_its_counts_and_an_image_that_was_set_aside_with_its_reason(
    board: Board, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_faults(tmp_path, faults(1))
    board.planned("mask", total=2)
    for partition, run_id, quarantined in zip(PARTITIONS, ("me", "before"), (1, 0), strict=True):
        board.sent("mask", partition)
        board.ended("mask", partition, result(tmp_path, run_id=run_id, images=8, quarantined=quarantined, cells=7))
        board.advanced("mask")
    board.decided(DecisionSummary(step="quality:dim", how="above 3", groups=2, before=14, after=12))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "mask, images 1-8: quarantined plate/0.tif (PixelError: cut short)"),
        (
            "INFO",
            "mask: 2 tasks in 0 s, 1 of them from an earlier run; 16 images, 1 quarantined, 14 cells",
        ),
        ("INFO", "decided quality:dim: above 3 in 2 groups: 12 of 14 kept"),
    ]


def test_of_many_images_that_were_set_aside_the_log_names_the_first(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    board.quarantined(faults(40), where="mask")
    board.quarantined(faults(40), where="mask")
    board.quarantined(faults(40), where="mask")
    assert len(caplog.records) == MOST_LINES + 1
    assert "more images" in caplog.records[-1].getMessage()


def test_results_that_cannot_be_read_stop_nothing(
    board: Board, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "faults.parquet").write_text("no table")
    board.ended("mask", PARTITIONS[0], result(tmp_path, images=8, quarantined=1, cells=7))
    assert not caplog.records


def test_artifacts_tell_how_far_stages_are(board: Board, tmp_path: Path) -> None:
    board.planned("quality metrics", total=2)
    board.planned("features", total=2)
    board.begun("quality metrics")
    board.ended("quality metrics", PARTITIONS[0], result(tmp_path, cells=7))
    board.advanced("quality metrics")
    board.ended("quality metrics", PARTITIONS[1], None)
    metrics, partitions = board.artifacts()  # a stage that has not begun has none
    assert (metrics.key, metrics.type, metrics.data) == ("preprocess-quality-metrics", "progress", 50.0)
    assert metrics.description == "quality metrics: 1 of 2 tasks in 0 s, about 0 s left, 1 failed; 7 cells"
    assert (partitions.key, partitions.type) == ("preprocess-partitions", "table")
    assert [row["state"] for row in json.loads(str(partitions.data))[1:]] == [
        "quality metrics done",
        "quality metrics failed",
    ]


def test_a_stage_of_several_parts_counts_them_all(board: Board) -> None:
    board.planned("diameter", total=1)
    board.advanced("diameter")
    board.planned("diameter", total=3)
    assert board.artifacts()[0].data == 25.0
