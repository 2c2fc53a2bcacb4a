"""What a killed run left half-written is removed where this program writes, and nowhere else."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from tasks.core.dictionary import encode
from tasks.export.published import mend_published

HEX = "0" * 32


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("half")


def part(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pl.DataFrame({"a": [1]}).to_arrow().replace_schema_metadata(encode({}, meta={})), path)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_temporary_files_go_where_we_write_them_and_stay_where_we_do_not(tmp_path: Path) -> None:
    ours = {
        f".run.{HEX}.tmp.json", f".cells.{HEX}.tmp.parquet", f"features/.part-00000.{HEX}.tmp.parquet",
        f"exports/.features.{HEX}.tmp.csv", f"labels/A/b/.1.tif.nucleus.{HEX}.tmp.tif", f"work/.lock.{HEX}.tmp.json",
        f"statistics/.quality.{HEX}.tmp.json", f"statistics/illumination/.0000.{HEX}.tmp.png",
    }  # fmt: skip
    others = {
        f"mine/.run.{HEX}.tmp.json", f"features/mine/.part.{HEX}.tmp.parquet", f"work/mine/a/.x.{HEX}.tmp.json",
        f"exports/mine/.features.{HEX}.tmp.csv", ".notes.tmp", f"labels/x.{HEX}.tmp.tif", ".gitignore",
    }  # fmt: skip
    for name in ours | others:
        write(tmp_path / name)
    mend_published(tmp_path)
    assert names(tmp_path) == others


def test_an_exchange_that_was_killed_is_finished(tmp_path: Path) -> None:
    part(tmp_path / "features" / "part-00000.parquet")
    old = tmp_path / f".features.{HEX}.tmp"
    for name in ("part-00000.parquet", "part-00001.parquet"):
        part(old / name)
    write(old / "notes.txt")
    write(old / f".part-00002.{HEX}.tmp.parquet")
    mend_published(tmp_path)
    assert names(tmp_path) == {"features/part-00000.parquet", "features/notes.txt"}


def test_between_two_renames_the_old_table_comes_back(tmp_path: Path) -> None:
    part(tmp_path / f".features.{HEX}.tmp" / "part-00000.parquet")
    part(tmp_path / f".features.{HEX}.old" / "part-00007.parquet")
    mend_published(tmp_path)
    assert names(tmp_path) == {"features/part-00007.parquet"}
