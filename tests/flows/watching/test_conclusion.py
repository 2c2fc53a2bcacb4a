"""The summary that a finished run leaves in Prefect."""

from pathlib import Path

from flows.engine.decision_summary import DecisionSummary
from flows.engine.execution import StageCount
from flows.engine.summary import Summary
from flows.watching.conclusion import REPORT, conclusion
from flows.watching.states import counts_line
from tasks.ingest.index import LeftOut


def summary(output: Path) -> Summary:
    return Summary(
        output=str(output),
        images=1200,
        quarantined=3,
        left_out=LeftOut(),
        cells=1300,
        statuses={"kept": 1000, "border": 200, "quality:dim": 97, "quarantined": 3},
        rows=1000,
        columns=208,
        stages={"mask": StageCount(computed=4, cached=1, seconds=2.5)},
        decided=(DecisionSummary(step="quality:a_b", how="above 3", groups=1, before=1100, after=1003),),
        warnings=("plate <b>7</b>: none kept",),
    )


def test_a_line_tells_what_was_counted(tmp_path: Path) -> None:
    line = "1,200 images (3 quarantined), 1,300 cells (297 filtered), 1,000 rows of 208 features"
    assert counts_line(summary(tmp_path)) == line


def test_it_tells_counts_decisions_and_where_to_look_and_text_from_files_stays_text(tmp_path: Path) -> None:
    text = conclusion(summary(tmp_path))
    assert "report" not in text.casefold()
    assert "plate &lt;b&gt;7&lt;/b&gt;: none kept" in text
    assert "| border | 200 |" in text
    assert r"| quality:a\_b | above 3 | 1 | 1,100 | 1,003 |" in text
    assert "| mask | 4 | 1 | 2.5 |" in text
    assert "quarantine.parquet" in text


def test_a_report_is_linked_and_its_path_told(tmp_path: Path) -> None:
    output = tmp_path / "my results"
    output.mkdir()
    (output / REPORT).touch()
    text = conclusion(summary(output))
    assert f"({(output / REPORT).as_uri()})" in text
    assert "my%20results" in text
