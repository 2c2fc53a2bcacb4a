"""Runs whose disk fills or is taken away: a clear error, and the same command goes on to the same table."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from flows.config import parse_config
from flows.engine.progress import LineProgress, show_progress
from flows.preprocess import preprocess
from tasks.core.errors import InputError
from tasks.core.manifest import check_published
from tasks.core.storage_errors import StorageError
from tasks.ingest.example import write_example
from tests.disks import Disk, disk

pytestmark = pytest.mark.chaos

CONFIG = {
    "load": {"channels": {"BF": 0, "DNA": 2}},
    "mask": {"methods": ["li"], "main_channel": "BF"},
    "features": {"families": ["shape"]},
    "export": {"formats": ["csv"]},
    "run": {"partition_size": 6},
}


@pytest.fixture(scope="module")
def stamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_example(tmp_path_factory.mktemp("stamps"), count=36, seed=3)


def run(output: Path, *, stamps: Path, scheduler: str) -> None:
    preprocess(config=parse_config(CONFIG), inputs=[str(stamps)], output=str(output), cluster=scheduler)


@pytest.fixture(scope="module")
def undisturbed(stamps: Path, scheduler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("undisturbed")
    run(output, stamps=stamps, scheduler=scheduler)
    return output


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path, size=2**26) as mounted:
        yield mounted


def files(output: Path) -> dict[str, bytes]:
    """Return all that is published, but for run.json and the report, which tell times."""
    listed = json.loads((output / "run.json").read_text())["files"]
    return {name: (output / name).read_bytes() for name in listed if name != "report.html"}


def taken(output: Path) -> int:
    """Return the bytes on the disk that a run takes before it makes its report."""
    report = [output / "report.html", *(output / "work" / "report").rglob("*")]
    return sum(path.lstat().st_blocks * 512 for path in output.rglob("*") if path not in report)


def status(output: Path) -> str:
    return str(json.loads((output / "run.json").read_text())["status"])


def warnings(output: Path) -> list[str]:
    return list(json.loads((output / "run.json").read_text())["summary"]["warnings"])


def test_an_undisturbed_run_lists_what_it_published(undisturbed: Path) -> None:
    assert status(undisturbed) == "done"
    assert (undisturbed / "report.html").exists()
    assert sorted(files(undisturbed)) == [
        "cells.parquet", "exports/features.csv", "features/part-00000.parquet", "images.parquet", "quarantine.parquet",
        "statistics/quality.json",
    ]  # fmt: skip
    assert check_published(undisturbed) == ()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_disk_that_fills_ends_the_run_and_with_more_space_it_goes_on(
    share: float, undisturbed: Path, stamps: Path, scheduler: str, large: Disk
) -> None:
    large.resize(int(taken(undisturbed) * share))
    output = large.path / "results"
    with pytest.raises(StorageError, match=r"results.* cannot be written: the disk is full .*; free some space"):
        run(output, stamps=stamps, scheduler=scheduler)
    if (output / "run.json").exists():
        assert status(output) != "done"
        assert check_published(output) != ()
    large.resize(2**26)
    run(output, stamps=stamps, scheduler=scheduler)
    assert files(output) == files(undisturbed)
    assert check_published(output) == ()
    assert [path for path in output.rglob(".*") if path.name != ".gitignore"] == []


def test_a_disk_with_space_for_all_but_the_report_leaves_the_tables_and_says_so(
    undisturbed: Path, stamps: Path, scheduler: str, large: Disk
) -> None:
    large.resize(taken(undisturbed) + (undisturbed / "report.html").stat().st_size // 2)
    output = large.path / "results"
    run(output, stamps=stamps, scheduler=scheduler)
    assert files(output) == files(undisturbed)
    assert not (output / "report.html").exists()
    assert any("report.html could not be made" in warning for warning in warnings(output))
    assert any("the disk is full" in warning for warning in warnings(output))
    large.resize(2**26)
    run(output, stamps=stamps, scheduler=scheduler)
    assert (output / "report.html").exists()
    assert warnings(output) == warnings(undisturbed)


@pytest.mark.parametrize("line", ["ingest: 1 of 1", "mask: 2 of 6", "features: 6 of 6"])
def test_a_disk_that_is_lost_ends_the_run_and_when_it_is_back_the_run_goes_on(
    line: str, undisturbed: Path, stamps: Path, scheduler: str, large: Disk
) -> None:
    output = large.path / "results"
    lines: list[str] = []

    def tell(text: str) -> None:
        lines.append(text)
        if text.startswith(line):
            large.lose()

    show_progress(LineProgress(tell))
    try:
        with pytest.raises(StorageError, match=r"results.* cannot be written: its folder is gone, .*; bring it back"):
            run(output, stamps=stamps, scheduler=scheduler)
    finally:
        show_progress(LineProgress(lines.append))
    assert any(text.startswith(line) for text in lines)
    large.bring_back()
    assert status(output) in {"running", "publishing"}, "nothing could be written there"
    run(output, stamps=stamps, scheduler=scheduler)
    assert files(output) == files(undisturbed)


def test_the_command_tells_of_a_full_disk_without_a_traceback(
    stamps: Path, prefect_api: str, large: Disk, tmp_path: Path
) -> None:
    del prefect_api  # which the command finds in the environment
    (tmp_path / "config.yaml").write_text(json.dumps(CONFIG))
    large.resize(20_000)
    ended = subprocess.run(
        [sys.executable, "-m", "flows.preprocess", str(stamps),
         "--config", str(tmp_path / "config.yaml"), "--output", str(large.path / "results")],
        cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "the disk is full (No space left on device); free some space, and run the same command again" in ended.stderr
    assert "cannot be written: " in ended.stderr.splitlines()[-1]


def test_a_failed_run_keeps_the_list_of_what_is_there(undisturbed: Path, stamps: Path, scheduler: str) -> None:
    before = files(undisturbed)
    threshold = {"method": "absolute", "value": 1e12}
    rule = {"metric": "sum", "channel": "DNA", "threshold": threshold}
    strict = parse_config(CONFIG | {"quality": {"rules": [rule]}})
    with pytest.raises(InputError, match="keeps none of"):
        preprocess(config=strict, inputs=[str(stamps)], output=str(undisturbed), cluster=scheduler)
    assert status(undisturbed) == "failed"
    assert files(undisturbed) == before
    assert check_published(undisturbed) == ()
    assert pl.read_parquet(undisturbed / "features" / "part-*.parquet").height > 0
