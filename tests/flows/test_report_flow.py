"""The report as the last stage of a run: kept like other results, off when it is off, and never in the way."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.config import parse_config
from flows.engine.summary import Summary
from flows.preprocess import preprocess
from tasks.core.errors import InputError
from tasks.core.manifest import check_published
from tasks.ingest.example import write_example
from tasks.report.material import PICTURES, SO_FAR, read_cell_pictures
from tasks.report.page import render

Run = Callable[..., Summary]


@pytest.fixture(scope="module")
def stamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_example(tmp_path_factory.mktemp("stamps"), count=24, seed=5)


@pytest.fixture(scope="module")
def run(scheduler: str, stamps: Path) -> Run:
    def run(output: Path, **sections: object) -> Summary:
        base: dict[str, object] = {
            "load": {"channels": {"BF": 0, "DNA": 2}},
            "mask": {"methods": ["li"], "main_channel": "BF"},
            "features": {"families": ["shape"]},
            "run": {"partition_size": 8},
        }
        config = parse_config(base | sections)
        return preprocess(config=config, inputs=[str(stamps)], output=str(output), cluster=scheduler)

    return run


@pytest.fixture(scope="module")
def reference(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("reference")
    summary = run(output, report={"cells": 10})
    assert summary.stages["report"].computed == summary.stages["features"].computed + 3 > 4
    assert summary.warnings == ()
    return output


@pytest.fixture
def output(reference: Path, tmp_path: Path) -> Path:
    shutil.copytree(reference, tmp_path / "output")
    return tmp_path / "output"


def record(output: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((output / "run.json").read_text(encoding="utf-8"))
    return content


def shown(output: Path) -> int:
    folders = [path.parent for path in (output / "work" / "report").glob(f"*/{PICTURES}")]
    return len([picture for picture in read_cell_pictures(folders) if picture.status == "kept"])


def test_the_page_is_published_and_listed_with_the_tables(reference: Path) -> None:
    assert "report.html" in record(reference)["files"]  # type: ignore[operator]
    assert check_published(reference) == ()
    so_far = json.loads((reference / "work" / SO_FAR).read_text(encoding="utf-8"))
    ended = record(reference)["summary"]
    assert isinstance(ended, dict)
    assert so_far["statuses"] == ended["statuses"]
    assert so_far.keys() == ended.keys()
    assert 10 <= shown(reference) <= 24


def test_pictures_are_not_drawn_again(run: Run, output: Path) -> None:
    drawn = {path: path.stat().st_mtime_ns for path in (output / "work" / "report").glob(f"*/{PICTURES}")}
    again = run(output, report={"cells": 10})
    assert (again.stages["report"].computed, again.stages["report"].cached) == (2, len(drawn) + 1)  # sample and page
    other = run(output, report={"cells": 10}, features={"families": ["intensity"]})
    assert (other.stages["features"].computed, other.stages["report"].cached) == (len(drawn), len(drawn) + 1)
    for path, time in drawn.items():
        assert path.stat().st_mtime_ns == time


@pytest.mark.parametrize("off", [False, "off", None])
def test_without_a_report_that_of_an_earlier_run_goes(run: Run, output: Path, off: object) -> None:
    assert (output / "report.html").exists()
    summary = run(output, report=off)
    assert not (output / "report.html").exists()
    assert "report" not in summary.stages
    assert "report.html" not in record(output)["files"]  # type: ignore[operator]
    assert record(output)["configuration"]["report"] is None  # type: ignore[index]


def test_a_page_that_cannot_be_made_leaves_the_run_as_it_is(
    run: Run, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> Path:
        raise ValueError("no such figure")

    monkeypatch.setattr(render, "render_report", fail)
    summary = run(output, report={"cells": 10}, run={"partition_size": 8, "retries": 0})
    (warning,) = summary.warnings
    assert warning.startswith("report.html could not be made: report: 1 tasks failed; the first: ValueError: no such")
    assert (record(output)["status"], record(output)["summary"]["warnings"]) == ("done", [warning])  # type: ignore[index]
    assert not (output / "report.html").exists()
    assert check_published(output) == ()


def test_pictures_that_cannot_be_drawn_are_left_out(run: Run, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("no such pixel")

    shutil.rmtree(output / "work" / "report")
    monkeypatch.setattr("tasks.report.task.draw_cells", fail)
    summary = run(output, report={"cells": 10}, run={"partition_size": 8, "retries": 0})
    (warning,) = summary.warnings
    assert warning.startswith("report.html lacks pictures: report: ")
    assert "tasks failed; the first: ValueError: no such pixel" in warning
    assert (output / "report.html").exists()
    assert shown(output) == 0


def test_another_programs_page_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("<html>mine</html>", encoding="utf-8")
    with pytest.raises(InputError, match=r"report\.html was not written by this program"):
        run(tmp_path)
    summary = run(tmp_path, report=False)
    assert summary.rows > 0
    assert page.read_text(encoding="utf-8") == "<html>mine</html>"
