"""The records of a run's tasks, what they tell of stages that run at once, and their picture."""

import subprocess
import sys
from pathlib import Path

import pytest

from flows.engine.timeline import SCHEMA, TaskRecord, write_timeline
from flows.timeline import draw, read_timeline, seconds_at_once
from tasks.core.errors import ConfigError
from tasks.core.file_names import TIMELINE
from tasks.core.work import StageResult


def record(stage: str, *, task: int, started: float, seconds: float, resources: dict[str, float]) -> TaskRecord:
    result = StageResult(
        key="k", folder="", counts={}, started=started, seconds=seconds, worker=f"{stage} {task}", host="node1",
        peak_bytes=7, run_id="r",
    )  # fmt: skip
    return TaskRecord.of(result, stage=stage, task=task, resources=resources)


RECORDS = [
    record("features", task=0, started=1012.0, seconds=20.0, resources={"CPU": 1}),
    record("segment", task=0, started=1000.0, seconds=10.0, resources={"GPU": 1}),
    record("segment", task=1, started=1010.0, seconds=10.0, resources={"GPU": 1}),
    record("segment", task=2, started=1025.0, seconds=10.0, resources={"GPU": 1, "memory": 2.5}),
]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "lock").touch()
    write_timeline(tmp_path / "work", RECORDS)
    return tmp_path


def test_records_are_kept_in_order_and_count_from_the_first_task(output: Path) -> None:
    records = read_timeline(output)
    assert records.schema == SCHEMA
    assert records["started"].to_list() == [0.0, 10.0, 12.0, 25.0]
    assert records.row(3, named=True) == {
        "stage": "segment", "task": 2, "resources": "GPU memory:2.5", "worker": "segment 2", "host": "node1",
        "started": 25.0, "ended": 35.0, "peak_bytes": 7,
    }  # fmt: skip


def test_a_run_that_did_nothing_leaves_the_records_of_the_last_one(output: Path) -> None:
    before = (output / "work" / TIMELINE).read_bytes()
    write_timeline(output / "work", [])
    assert (output / "work" / TIMELINE).read_bytes() == before


def test_stages_run_at_once_where_each_has_a_task(output: Path) -> None:
    records = read_timeline(output)
    assert seconds_at_once(records, ["segment", "features"]) == pytest.approx((20 - 12) + (32 - 25))
    assert seconds_at_once(records, ["segment"]) == pytest.approx(30)
    assert seconds_at_once(records, ["segment", "mask"]) == 0
    assert seconds_at_once(records.clear(), ["segment"]) == 0


def test_the_picture_has_a_line_for_each_worker(output: Path) -> None:
    draw(read_timeline(output), output / "timeline.svg")
    picture = (output / "timeline.svg").read_text()
    assert all(f"<!-- {text} -->" in picture for text in ("segment", "features", "CPU", "GPU", "seconds"))


def test_an_output_folder_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"timeline\.parquet is missing; give the output folder"):
        read_timeline(tmp_path)


@pytest.mark.slow
def test_the_command_prints_what_ran_at_once_and_draws(output: Path) -> None:
    command = [sys.executable, "-m", "flows.timeline", str(output), "--picture", str(output / "timeline.png")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert "segment and features at once for 15.0 s" in ran.stdout
    assert (output / "timeline.png").stat().st_size > 1000
