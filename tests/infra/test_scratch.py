"""Temporary folders belong to a process, and go with it or with the next run."""

import subprocess
import sys
from pathlib import Path

from infra.scratch import folders_beside, is_abandoned, make_folder

PROJECT = Path(__file__).resolve().parents[2]
MAKE = "from infra.scratch import scratch_folder; print(scratch_folder(), flush=True); {then}"


def make(temporary: Path, *, then: str = "pass") -> Path:
    ran = subprocess.run(
        [sys.executable, "-c", MAKE.format(then=then)],
        cwd=PROJECT,
        env={"TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    return Path(ran.stdout.strip())


def test_a_folder_goes_with_its_process(tmp_path: Path) -> None:
    folder = make(
        tmp_path, then="assert scratch_folder().stat().st_mode & 0o077 == 0; (scratch_folder() / 'x').touch()"
    )
    assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_killed_process_goes_with_the_next_one_and_no_other_does(tmp_path: Path) -> None:
    killed = make(tmp_path, then="(scratch_folder() / 'x').touch(); import os; os.kill(os.getpid(), 9)")
    assert (killed / "x").exists()
    machine, number = killed.name.split("-")[2:4]
    foreign = [f"scip-flows-000000-{number}-elsewhere", f"scip-flows-{machine}-notes", "scip-flows-prefect-old"]
    for name in foreign:
        (tmp_path / name).mkdir()
    (tmp_path / f"scip-flows-{machine}-{number}-file").touch()
    (tmp_path / f"scip-flows-{machine}-{number}-link").symlink_to(tmp_path / foreign[0])
    living = subprocess.Popen(
        [sys.executable, "-c", MAKE.format(then="input()")],
        cwd=PROJECT,
        env={"TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert living.stdout is not None
    alive = Path(living.stdout.readline().strip())
    assert not killed.exists()
    make(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        *foreign, alive.name, f"scip-flows-{machine}-{number}-file", f"scip-flows-{machine}-{number}-link",
    }  # fmt: skip
    living.communicate("\n")
    assert not alive.exists()


def test_folders_of_one_process_are_recognized_by_name_and_a_living_one_has_abandoned_none(tmp_path: Path) -> None:
    first, second = make_folder(tmp_path), make_folder(tmp_path)
    machine, number = first.name.split("-")[2:4]
    (tmp_path / f"scip-flows-{machine}-{number}9-other").mkdir()
    assert set(folders_beside(first)) == {first, second}
    assert folders_beside(tmp_path) == []
    assert [is_abandoned(path) for path in (first, second, tmp_path)] == [False, False, False]
    killed = make(tmp_path, then="import os; os.kill(os.getpid(), 9)")
    assert is_abandoned(killed)
