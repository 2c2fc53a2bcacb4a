"""When an acquisition is complete, and that a run is started for it once."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.watch_folder.__main__ import app
from infra.watch_folder.acquisitions import acquisitions, look
from infra.watch_folder.memory import FILE, Memory, keep, only_watch_in, recall
from infra.watch_folder.watch import Complete, leave_out_present, look_once
from tasks.core.errors import ConfigError

MARKER = Complete(marker="done.txt", quiet=None)
QUIET = Complete(marker=None, quiet=timedelta(minutes=10))


class Watch:
    """A watch whose runs are names in a list, and which forgets all but what it keeps."""

    def __init__(self, folder: Path, *, complete: Complete) -> None:
        self.folder, self.complete = folder, complete
        self.memory = Memory(folder=str(folder), deployment="preprocess/workstation")
        self.runs: list[str] = []

    def at(self, minutes: float, *, start: Callable[[Path], str] | None = None) -> list[str]:
        """Look at some time, and return what has been started so far."""

        def note(acquisition: Path) -> str:
            self.runs.append(acquisition.name)
            return f"run-{acquisition.name}"

        look_once(
            self.memory,
            folder=self.folder,
            complete=self.complete,
            now=60 * minutes,
            start=start or note,
            keep=lambda memory: setattr(self, "memory", memory),
        )
        return self.runs


def write(folder: Path, *names: str, text: str = "x") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def test_an_acquisition_with_a_marker_is_started_once(tmp_path: Path) -> None:
    watch = Watch(tmp_path, complete=MARKER)
    write(tmp_path, "a/1.tif", "b/1.tif", "done.txt", ".snapshot/done.txt")
    assert watch.at(0) == []
    write(tmp_path, "b/done.txt")
    assert watch.at(1) == ["b"]
    write(tmp_path, "b/2.tif", "a/done.txt")
    assert watch.at(2) == ["b", "a"]
    assert watch.at(3) == ["b", "a"]


def test_a_marker_may_be_a_pattern_but_is_no_folder(tmp_path: Path) -> None:
    watch = Watch(tmp_path, complete=Complete(marker="*.xdce", quiet=None))
    (tmp_path / "a" / "x.xdce").mkdir(parents=True)
    write(tmp_path, "b/plate.xdce")
    assert watch.at(0) == ["b"]


def test_without_a_marker_nothing_may_have_changed_for_the_whole_time(tmp_path: Path) -> None:
    watch = Watch(tmp_path, complete=QUIET)
    (tmp_path / "empty").mkdir()
    write(tmp_path, "a/sub/1.tif")
    assert watch.at(0) == []
    assert watch.at(9.9) == []
    write(tmp_path, "a/sub/2.tif")
    assert watch.at(10) == []
    write(tmp_path, "a/sub/2.tif", text="more of it")
    assert watch.at(19) == []
    assert watch.at(28.9) == []
    assert watch.at(29) == ["a"]
    assert watch.at(1000) == ["a"]


def test_files_that_were_copied_with_their_old_times_count_from_when_they_were_seen(tmp_path: Path) -> None:
    watch = Watch(tmp_path, complete=QUIET)
    write(tmp_path, "a/1.tif")
    os.utime(tmp_path / "a" / "1.tif", (1, 1))
    assert watch.at(1e6) == []
    assert watch.at(1e6 + 10) == ["a"]


def test_a_folder_without_files_has_no_looks(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert look(tmp_path / "a", before=None, now=0) is None
    assert acquisitions(tmp_path) == [tmp_path / "a"]


def test_what_could_not_be_started_is_started_at_a_later_look_and_the_others_wait_with_it(tmp_path: Path) -> None:
    watch = Watch(tmp_path, complete=MARKER)
    write(tmp_path, "a/done.txt", "b/done.txt")

    def refuse(acquisition: Path) -> str:
        raise ConnectionError(acquisition.name)

    with pytest.raises(ConnectionError, match="a"):
        watch.at(0, start=refuse)
    assert watch.at(1) == ["a", "b"]


def test_what_was_there_before_is_left_out_if_so_wanted(tmp_path: Path) -> None:
    watch = Watch(tmp_path, complete=MARKER)
    write(tmp_path, "old/done.txt")
    watch.memory = leave_out_present(watch.memory, folder=tmp_path)
    write(tmp_path, "new/done.txt")
    assert watch.at(0) == ["new"]


def test_the_memory_outlives_the_watch_and_belongs_to_one_folder_and_deployment(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(tmp_path, "in/a/done.txt")
    watch = Watch(tmp_path / "in", complete=MARKER)
    watch.at(0)
    keep(tmp_path / "out", watch.memory)
    own = {"folder": str(tmp_path / "in"), "deployment": "preprocess/workstation"}
    again = Watch(tmp_path / "in", complete=MARKER)
    again.memory = recall(tmp_path / "out", **own) or again.memory
    assert again.memory.known["a"].flow_run == "run-a"
    assert again.at(1) == []
    assert recall(tmp_path, **own) is None
    with pytest.raises(ConfigError, match="belongs to a watch of"):
        recall(tmp_path / "out", **own | {"folder": "elsewhere"})
    write(tmp_path / "out", FILE, text="{")
    with pytest.raises(ConfigError, match="is no memory of a watch"):
        recall(tmp_path / "out", **own)


def test_there_is_one_watch_per_output_folder(tmp_path: Path) -> None:
    with (
        only_watch_in(tmp_path),
        pytest.raises(ConfigError, match="another watch writes into"),
        only_watch_in(tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "out"], "expected one of --marker FILE and --quiet-minutes N"),
        (["--output", "out", "--marker", "x", "--quiet-minutes", "1"], "expected one of --marker"),
        (["--output", "out", "--marker", "../x"], "expected a name within the acquisition's folder"),
        (["--output", "in/out", "--marker", "x"], "would be taken for acquisitions"),
        (["--output", "out", "--marker", "x", "--parameters", "p.yaml"], "without inputs and output"),
    ],
)
def test_mistakes_are_told_in_a_line(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    write(tmp_path, "p.yaml", text="output: elsewhere")
    ran = CliRunner().invoke(app, ["in", "--deployment", "preprocess/workstation", *arguments])
    assert ran.exit_code == 2, ran.output
    assert message in " ".join(ran.stderr.split())
    assert not (tmp_path / "out").exists()
