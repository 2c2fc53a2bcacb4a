"""Results in work/: whole or absent, never twice, and never somebody else's files."""

import os
import socket
import time
from pathlib import Path

import pytest

from tasks.core.work import Partition, Stopwatch, discard_results, discard_unfinished, result_folder

KEY = "0123456789" * 4
OTHER = "ab" * 20
UNFINISHED = f".{KEY}.{'c' * 32}.tmp"


def tree(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir())


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_result_appears_whole_when_its_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "mask" / KEY
    with result_folder(target) as folder:
        write(folder / "cells.parquet", "cells")
        write(folder / "labels" / "0.tif", "labels")
        assert not target.exists()
        assert folder.parent == target.parent, "a rename across file systems would not be atomic"
    assert tree(tmp_path) == [f"mask/{KEY}/cells.parquet", f"mask/{KEY}/labels/0.tif"]


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with result_folder(tmp_path / "mask" / KEY) as folder:
            write(folder / "cells.parquet")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail()
    assert list((tmp_path / "mask").iterdir()) == []


def test_the_loser_of_a_race_leaves_the_winners_result(tmp_path: Path) -> None:
    target = tmp_path / KEY
    with result_folder(target) as loser:
        write(loser / "cells.parquet", "loser")
        with result_folder(target) as winner:
            write(winner / "cells.parquet", "winner")
    assert tree(tmp_path) == [f"{KEY}/cells.parquet"]
    assert (target / "cells.parquet").read_text() == "winner"


def test_a_file_in_the_way_of_a_result_is_an_error_and_stays(tmp_path: Path) -> None:
    mine = write(tmp_path / KEY, "mine")
    with pytest.raises(OSError, match="irectory"), result_folder(mine) as folder:
        write(folder / "cells.parquet")
    assert tree(tmp_path) == [KEY]
    assert mine.read_text() == "mine"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Results, a result that was given up, and files of other people that look a little like them."""
    work = tmp_path / "work"
    for ours in (
        f"mask/{KEY}/cells.parquet",
        f"features/{OTHER}/features.parquet",
        f"mask/{UNFINISHED}/cells.parquet",
        f"results/quality-metrics-{KEY}",
    ):
        write(work / ours)
    for foreign in (
        "lock",
        "notes.txt",
        f"{KEY}/deeper.txt",
        f"mask/{KEY[:-1]}/short.txt",
        f"mask/{KEY}0/long.txt",
        f"mask/{KEY.upper().replace('0', 'G')}/capitals.txt",
        "mask/.hidden.tmp/mine.txt",
        f"mask/{OTHER}",
        "results/notes.txt",
        f"results/{KEY}.txt",
        "results/mine/table.csv",
        "example/example/T/cell_0001.tif",
    ):
        write(work / foreign)
    precious = write(tmp_path / "precious" / "data.txt").parent
    (work / "mask" / ("d" * 40)).symlink_to(precious)
    (work / "mask" / f".{OTHER}.{'e' * 32}.tmp").symlink_to(precious)
    return work


def test_discarding_results_removes_ours_and_nothing_else(work: Path) -> None:
    before = set(tree(work.parent))
    discard_results(work)
    assert before - set(tree(work.parent)) == {
        f"work/mask/{KEY}/cells.parquet",
        f"work/features/{OTHER}/features.parquet",
        f"work/mask/{UNFINISHED}/cells.parquet",
        f"work/results/quality-metrics-{KEY}",
    }


def test_discarding_what_is_unfinished_keeps_finished_results(work: Path) -> None:
    before = set(tree(work.parent))
    discard_unfinished(work)
    assert before - set(tree(work.parent)) == {f"work/mask/{UNFINISHED}/cells.parquet"}


def test_there_may_be_nothing_to_discard(tmp_path: Path) -> None:
    discard_results(tmp_path / "none")
    discard_unfinished(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_a_partition_counts_its_images() -> None:
    assert Partition(number=0, index="index.parquet", start=3, stop=7, digest=KEY).images == 4


def test_a_result_tells_where_it_is_and_what_it_cost() -> None:
    before = time.time()
    watch = Stopwatch()
    time.sleep(0.02)
    result = watch.result(f"work/mask/{KEY}", run_id="run", counts={"cells": 3}, content="pixels")
    assert (result.identity, result.counts, result.run_id) == ((KEY, "pixels"), {"cells": 3}, "run")
    assert result.file("cells.parquet") == Path("work", "mask", KEY, "cells.parquet")
    assert 0.02 <= result.seconds < 5
    assert before <= result.started <= time.time() - 0.02
    assert (result.worker, result.host) == (str(os.getpid()), socket.gethostname())
    if os.name == "posix":
        assert 10 * 2**20 < result.peak_bytes < 2**40
