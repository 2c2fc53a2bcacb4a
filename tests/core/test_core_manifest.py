"""A folder is checked against the list of what was published."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from tasks.core.dictionary import encode
from tasks.core.manifest import check_published, list_files
from tasks.core.storage import write_json


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "features").mkdir()
    for name in ("features/part-00000.parquet", "cells.parquet"):
        table = pl.DataFrame({"a": [1, 2]}).to_arrow()
        pq.write_table(table.replace_schema_metadata(encode({}, meta={})), tmp_path / name)
    return tmp_path


def record(output: Path, *names: str, status: str = "done") -> None:
    files = list_files(output, [output / name for name in names])
    write_json(
        output / "run.json", {"status": status, "files": {name: one.model_dump() for name, one in files.items()}}
    )


def test_what_was_published_is_known_by_size_and_digest(output: Path) -> None:
    (output / "empty").touch()
    (listed,) = list_files(output, [output / "empty"]).items()
    assert listed[0] == "empty"
    assert listed[1].model_dump() == {
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "bytes": 0,
    }


def test_files_that_belong_together_pass_and_each_that_does_not_is_named(output: Path) -> None:
    record(output, "features/part-00000.parquet", "cells.parquet")
    (output / "notes.txt").write_text("theirs")
    pl.DataFrame({"a": [1]}).write_parquet(output / "features" / "part-00007.parquet")
    assert check_published(output) == ()
    content = (output / "cells.parquet").read_bytes()
    (output / "features" / "part-00001.parquet").write_bytes(content)
    (output / "cells.parquet").write_bytes(content[:-1] + b"x")
    assert check_published(output) == (
        "cells.parquet: other bytes than those that were published",
        "features/part-00001.parquet: not listed",
    )
    (output / "cells.parquet").write_bytes(content[:-1])
    (output / "features" / "part-00000.parquet").unlink()
    assert check_published(output)[:2] == (
        f"cells.parquet: {len(content) - 1} bytes, expected {len(content)}",
        "features/part-00000.parquet: missing",
    )


def test_without_a_list_nothing_is_known(output: Path) -> None:
    (problem,) = check_published(output)
    assert problem.startswith("run.json: cannot be read: ")
    write_json(output / "run.json", {"status": "publishing", "files": None})
    assert check_published(output) == ("run.json: lists no published files; its status is 'publishing'",)
