"""The empty database of a local server: made once, copied from then on, and made again where it cannot be kept."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from infra import database
from infra.database import prepare_database, template_path

PROJECT = Path(__file__).resolve().parents[2]
MAKE = "import sys; from pathlib import Path; from infra.database import *; prepare_database(Path(sys.argv[1]))"


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.mark.slow
def test_a_database_is_made_once_and_copied_from_then_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(
        [sys.executable, "-c", MAKE, home / "prefect.db"],
        cwd=PROJECT,
        env=os.environ | {"PREFECT_HOME": str(home), "PREFECT_API_URL": ""},
        check=True,
        timeout=120,
    )
    assert {"flow_run", "task_run", "alembic_version"} <= tables(home / "prefect.db")
    assert tables(template_path()) == tables(home / "prefect.db")

    def never() -> None:
        raise AssertionError("it is there already")

    monkeypatch.setattr(database, "_make", never)
    prepare_database(tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_bytes() == template_path().read_bytes()


def test_without_a_cache_that_can_be_written_it_is_made_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    made: list[None] = []
    monkeypatch.setattr(database, "_make", lambda: made.append(None))
    for name in ("a.db", "b.db"):
        prepare_database(tmp_path / name)
    assert len(made) == 2


def test_what_a_server_has_written_stays_when_it_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    template_path().parent.mkdir()
    template_path().write_bytes(b"empty")
    path = tmp_path / "prefect.db"
    path.write_bytes(b"half")  # of a server that was killed while it made it
    prepare_database(path)
    assert path.read_bytes() == b"empty"
    path.write_bytes(b"full")
    prepare_database(path)
    assert path.read_bytes() == b"full"
