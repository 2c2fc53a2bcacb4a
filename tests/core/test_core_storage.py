"""Files are whole or absent."""

import json
from pathlib import Path

import polars as pl
import pytest

from tasks.core.storage import atomic, discard_leftovers, read_table, write_json


def test_a_file_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.parquet"
    with atomic(path) as temporary:
        assert (temporary.parent, temporary.suffix) == (path.parent, ".parquet")
        temporary.write_text("whole")
        assert not path.exists()
    assert [entry.name for entry in path.parent.iterdir()] == ["table.parquet"]
    assert path.read_text() == "whole"


def test_an_error_keeps_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    path.write_text("before")

    def fail() -> None:
        with atomic(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail()
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.parquet"]
    assert path.read_text() == "before"


def test_writing_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic(tmp_path / "table.parquet"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_json_is_readable_and_never_holds_what_other_programs_refuse(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_json(path, {"name": "Zürich", "sizes": [1, 2]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "Zürich", "sizes": [1, 2]}
    assert "Zürich" in path.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"value": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8"))["name"] == "Zürich"


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    with atomic(tmp_path / "part-00000.parquet") as temporary:
        temporary.write_text("x")
        left = temporary.with_name(temporary.name)
        left_name = temporary.name
    left.write_text("half")
    (tmp_path / f".labels.{'0' * 32}.tmp").write_text("half, of a file without suffix")
    others = {".gitignore", ".notes.tmp", f"part.{'0' * 32}.tmp.parquet", f".part.{'0' * 31}.tmp.parquet"}
    for name in others:
        (tmp_path / name).write_text("mine")
    (tmp_path / f".folder.{'0' * 32}.tmp").mkdir()
    assert left_name in {path.name for path in tmp_path.iterdir()}
    discard_leftovers(tmp_path.glob(".*"))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"part-00000.parquet", f".folder.{'0' * 32}.tmp", *others}


@pytest.mark.parametrize("folder", ["plate[1]", "what?", "all*"])
def test_a_table_in_a_folder_named_like_a_glob_pattern_is_read(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "table.parquet"
    path.parent.mkdir()
    table = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    table.write_parquet(path)
    assert read_table(path).equals(table)
    assert read_table(path, columns=["b"]).columns == ["b"]
