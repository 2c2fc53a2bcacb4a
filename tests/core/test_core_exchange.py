"""A folder changes all at once, and nothing of other people's is lost, wherever a kill comes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.core import exchange
from tasks.core.errors import RunError
from tasks.core.exchange import exchanged_folder, restore_folder
from tasks.core.storage import atomic

PROJECT = Path(__file__).resolve().parents[2]


def owns(path: Path) -> bool:
    return path.name.startswith("part-") and path.read_text().startswith("ours")


def write(folder: Path, *names: str, text: str = "ours") -> None:
    for name in names:
        with atomic(folder / name) as temporary:
            temporary.write_text(text)


def tree(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(params=["by one rename", "by two"])
def features(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with two files of ours, and what somebody put between them."""
    if request.param == "by two":
        monkeypatch.setattr(exchange, "RENAME_EXCHANGE", 2**30)  # flags that no kernel knows
    folder = tmp_path / "out" / "features"
    write(folder, "part-0", "part-1", text="ours, old")
    write(folder, "notes.txt", "part-9", "mine/part-0", text="theirs")
    return folder


NEW = {"features/part-0": "ours, new"}
OTHERS = {f"features/{name}": "theirs" for name in ("notes.txt", "part-9", "mine/part-0")}
OLD = {"features/part-0": "ours, old", "features/part-1": "ours, old"}


def test_new_files_take_the_place_of_ours_and_those_of_others_move_along(features: Path) -> None:
    inode = (features / "mine").stat().st_ino
    with exchanged_folder(features, owns=owns) as fresh:
        write(fresh, "part-0", text="ours, new")
        assert tree(features) == {name.removeprefix("features/"): text for name, text in (OLD | OTHERS).items()}
    assert tree(features.parent) == NEW | OTHERS
    assert [path.name for path in features.parent.iterdir()] == ["features"]
    assert (features / "mine").stat().st_ino == inode


def test_an_error_changes_nothing(features: Path) -> None:
    def fail() -> None:
        with exchanged_folder(features, owns=owns) as fresh:
            write(fresh, "part-0", text="ours, new")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail()
    assert tree(features.parent) == OLD | OTHERS
    assert [path.name for path in features.parent.iterdir()] == ["features"]


def test_linux_exchanges_names_at_once(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("elsewhere there are two renames")
    for name in ("one", "other"):
        write(tmp_path / name, name, text=name)
    assert exchange._exchange_at_once(tmp_path / "one", tmp_path / "other")
    assert tree(tmp_path) == {"one/other": "other", "other/one": "one"}
    with pytest.raises(FileNotFoundError):
        exchange._exchange_at_once(tmp_path / "none", tmp_path / "other")


def test_there_need_not_be_a_folder_and_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "features").symlink_to(tmp_path / "large disk" / "features")
    for text in ("ours, 1", "ours, 2"):
        with exchanged_folder(tmp_path / "out" / "features", owns=owns) as fresh:
            write(fresh, "part-0", text=text)
        assert tree(tmp_path / "large disk") == {"features/part-0": text}
    assert (tmp_path / "out" / "features").is_symlink()


def test_a_file_in_the_way_stays(tmp_path: Path) -> None:
    (tmp_path / "features").write_text("mine")
    with (
        pytest.raises(RunError, match="features is in the way: expected a folder"),
        exchanged_folder(tmp_path / "features", owns=owns) as fresh,
    ):
        write(fresh, "part-0")
    assert tree(tmp_path) == {"features": "mine"}


KILLED = """
import os, sys
from pathlib import Path
from tests.core.test_core_exchange import exchanged_folder, exchange, owns, write
if sys.argv[2] == "by two":
    exchange.RENAME_EXCHANGE = 2**30
left = int(sys.argv[3])

def watch(event, arguments):
    global left
    if event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir"):
        left -= 1
        if left < 0:
            os._exit(9)

sys.addaudithook(watch)
with exchanged_folder(Path(sys.argv[1]), owns=owns) as fresh:
    write(fresh, "part-0", "part-2", text="ours, new")
os._exit(0)
"""


@pytest.mark.chaos
@pytest.mark.parametrize("way", ["by one", "by two"])
def test_killed_before_any_step_the_folder_is_the_old_or_the_new_one(way: str, tmp_path: Path) -> None:
    """Each rename, removal and folder made is one moment; the exchange by one system call is none of them."""
    seen, status, moment = [], 9, 0
    while status == 9:
        output = tmp_path / f"{moment}"
        write(output / "features", "part-0", "part-1", text="ours, old")
        write(output / "features", "notes.txt", "mine/part-0", text="theirs")
        command = [sys.executable, "-c", KILLED, str(output / "features"), way, str(moment)]
        status = subprocess.run(command, check=False, cwd=PROJECT, env=os.environ | {"PYTHONPATH": "."}).returncode
        if way == "by one":
            assert (output / "features").is_dir()
        restore_folder(output / "features", owns=owns)
        assert [path.name for path in output.iterdir()] == ["features"]
        after = tree(output / "features")
        assert after.pop("notes.txt") == after.pop("mine/part-0") == "theirs"
        seen.append(after)
        moment += 1
    assert status == 0
    assert moment > 8
    old, new = ({"part-0": "ours, old", "part-1": "ours, old"}, {"part-0": "ours, new", "part-2": "ours, new"})
    assert [after for after in seen if after not in (old, new)] == []
    assert (seen[0], seen[-1]) == (old, new)


def test_folders_of_others_beside_it_stay(tmp_path: Path) -> None:
    make: Callable[[str], None] = lambda name: write(tmp_path / name, "part-0")  # noqa: E731
    others = [".features.tmp", f".features.{'0' * 31}.tmp", f".feature.{'0' * 32}.tmp", f"features.{'0' * 32}.tmp"]
    for name in (*others, "features", f".features.{'0' * 32}.tmp", f".features.{'1' * 32}.old"):
        make(name)
    (tmp_path / f".features.{'2' * 32}.tmp").symlink_to(tmp_path / ".features.tmp")
    restore_folder(tmp_path / "features", owns=owns)
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {*others, "features", f".features.{'2' * 32}.tmp"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_those_whom_the_folder_let_in_still_are(features: Path) -> None:
    features.chmod(0o2750)
    if os.geteuid() == 0:  # others may give a folder to a group of their own only
        os.chown(features, -1, 12345)
        features.chmod(0o2750)
    before = features.stat()
    with exchanged_folder(features, owns=owns) as fresh:
        write(fresh, "part-0", text="ours, new")
    after = features.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_mode, after.st_gid) == (before.st_mode, before.st_gid)
