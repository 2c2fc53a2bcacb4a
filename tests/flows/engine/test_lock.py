"""Two runs into one folder: the second learns who holds it, and nobody is kept out by a run that is gone."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flows.engine.lock import Holder, only_run_in
from tasks.core.errors import InputError
from tasks.core.storage import write_json

PROJECT = Path(__file__).resolve().parents[3]

HOLD = """
import sys
from pathlib import Path
from flows.engine.lock import only_run_in
with only_run_in(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def start(output: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(output)],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def refusal(output: Path) -> str:
    with pytest.raises(InputError) as refused, only_run_in(output):
        pass
    return str(refused.value)


def assert_is_here(path: Path) -> None:
    """Compare all but the time."""
    holder = Holder.read(path)
    assert holder is not None
    assert holder.model_copy(update={"since": ""}) == Holder.now().model_copy(update={"since": ""})


def test_the_second_run_learns_who_holds_the_folder(tmp_path: Path) -> None:
    process = start(tmp_path)
    since = json.loads((tmp_path / "work" / "lock.json").read_text())["since"]
    by = f"on {socket.gethostname()}, process {process.pid}, since {since}; wait until it ends"
    assert by in refusal(tmp_path)
    write_json(tmp_path / "run.json", {"host": socket.gethostname(), "process": process.pid, "run": "4711"})
    assert ": run 4711 of " in refusal(tmp_path)
    write_json(tmp_path / "run.json", {"host": socket.gethostname(), "process": process.pid + 1, "run": "4711"})
    assert "4711" not in refusal(tmp_path), "of a run before it"
    process.kill()
    process.communicate()
    with only_run_in(tmp_path):
        assert_is_here(tmp_path / "work" / "lock.json")
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["lock"]


def test_only_where_locks_do_not_reach_does_the_file_decide() -> None:
    here = Holder.now()
    gone = here.model_copy(update={"process_started": here.process_started - 60})  # the number was given again
    elsewhere = here.model_copy(update={"host": "another.example"})
    sees = ("everybody", "this machine", "nobody")
    assert [here.blocks(locks=locks) for locks in sees] == [False, False, True]
    assert [gone.blocks(locks=locks) for locks in sees] == [False, False, False]
    assert [elsewhere.blocks(locks=locks) for locks in sees] == [False, True, True]


def test_a_holder_elsewhere_does_not_block_where_its_lock_is_free(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    elsewhere = Holder.now().model_copy(update={"host": "another.example", "process": 1})
    write_json(tmp_path / "work" / "lock.json", elsewhere.model_dump())
    with only_run_in(tmp_path):
        assert_is_here(tmp_path / "work" / "lock.json")


def test_on_a_mount_whose_locks_stay_on_one_machine_a_holder_elsewhere_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.engine.lock._mount_locks", lambda _: "this machine")
    (tmp_path / "work").mkdir()
    elsewhere = Holder.now().model_copy(update={"host": "another.example", "process": 4, "user": "ada"})
    write_json(tmp_path / "work" / "lock.json", elsewhere.model_dump())
    said = refusal(tmp_path)
    assert ": ada on another.example, process 4, since " in said
    assert said.endswith(f"if that run is gone, remove {tmp_path / 'work' / 'lock.json'}")


def test_a_holder_that_cannot_be_read_blocks_nobody(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "lock.json").write_text('{"host": ')
    with only_run_in(tmp_path):
        assert Holder.read(tmp_path / "work" / "lock.json") is not None
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["lock"]
