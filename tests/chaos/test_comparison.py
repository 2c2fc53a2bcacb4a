"""The harness notices what it looks for: rows lost and duplicated, bytes that differ, tasks that are done again."""

import os
from pathlib import Path

import polars as pl
import pytest

from tests.chaos.comparison import Difference, difference, recomputed, results, temporary_files

CELLS = pl.DataFrame({"meta__image": ["a", "a", "b"], "meta__object": [1, 2, 1], "area": [4.0, 5.0, 6.0]})


def write_output(folder: Path, *, features: pl.DataFrame = CELLS) -> Path:
    (folder / "features").mkdir(parents=True)
    features[:2].write_parquet(folder / "features" / "part-00000.parquet")
    features[2:].write_parquet(folder / "features" / "part-00001.parquet")
    CELLS.write_parquet(folder / "cells.parquet")
    (folder / "run.json").write_text(str(folder))
    (folder / "work" / "results").mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        (CELLS, Difference(unequal=(), lost=0, duplicated=0)),
        (CELLS[:2], Difference(unequal=("features/part-00001.parquet",), lost=1, duplicated=0)),
        (
            pl.concat([CELLS[:2], CELLS[:1], CELLS[2:]]),
            Difference(unequal=("features/part-00001.parquet",), lost=0, duplicated=1),
        ),
        (
            CELLS.with_columns(pl.lit(1.0).alias("area")),
            Difference(unequal=("features/part-00000.parquet", "features/part-00001.parquet"), lost=0, duplicated=0),
        ),
    ],
    ids=["equal", "lost", "duplicated", "other values"],
)
def test_tables_are_compared_by_bytes_and_by_rows(tmp_path: Path, features: pl.DataFrame, expected: Difference) -> None:
    undisturbed = write_output(tmp_path / "undisturbed")
    assert difference(write_output(tmp_path / "killed", features=features), expected=undisturbed) == expected


def test_files_that_are_missing_or_too_many_are_unequal(tmp_path: Path) -> None:
    undisturbed, killed = write_output(tmp_path / "undisturbed"), write_output(tmp_path / "killed")
    (undisturbed / "images.parquet").touch()
    (killed / "cells.csv").touch()
    assert difference(killed, expected=undisturbed).unequal == ("cells.csv", "images.parquet")


def test_a_run_that_published_nothing_has_lost_all_rows(tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    assert difference(tmp_path / "killed", expected=write_output(tmp_path / "undisturbed")).lost == 6


def test_a_finished_task_is_done_again_if_its_folder_or_its_descriptor_is_another(tmp_path: Path) -> None:
    work = write_output(tmp_path) / "work"
    for key in "abcd":
        (work / "mask" / key).mkdir(parents=True)
        (work / "results" / f"mask-{key}").touch()
    os.utime(work / "results" / "mask-d", ns=(5000, 5000))
    for key in "abc":
        os.utime(work / "results" / f"mask-{key}", ns=(2000, 2000))
    (work / "results" / "mask-e").touch()  # its folder is not there: nothing is finished
    before = results(tmp_path)
    assert set(before) == {"mask-a", "mask-b", "mask-c", "mask-d"}
    assert recomputed(before, output=tmp_path, settled_ns=3000) == ()

    (work / "mask" / "b").rename(work / "mask" / "moved")
    (work / "mask" / "b").mkdir()
    for key in "cd":  # the younger one was in flight
        (work / "results" / f"mask-{key}").touch()
    assert recomputed(before, output=tmp_path, settled_ns=3000) == ("mask-b", "mask-c")


def test_unfinished_files_and_folders_are_noticed(tmp_path: Path) -> None:
    work = write_output(tmp_path) / "work"
    (work / f".a.{'0' * 32}.tmp").mkdir()
    assert temporary_files(tmp_path) == {f"work/.a.{'0' * 32}.tmp"}
