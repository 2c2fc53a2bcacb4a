"""What is kept in the user's cache, and runs that go on without one."""

import errno
from pathlib import Path

import pytest

from tasks.core.user_cache import cache_root, keep
from tasks.report.page.vega import bundle_path, vega_bundle


def test_a_file_is_kept_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    keep(cache_root() / "a.txt", lambda path: path.write_text("all of it"))
    assert [path.name for path in cache_root().iterdir()] == ["a.txt"]
    assert (tmp_path / "scip-flows" / "a.txt").read_text() == "all of it"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.ESTALE])
def test_where_it_cannot_be_written_nothing_is_kept_and_nothing_is_said(number: int, tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("a part")
        raise OSError(number, "")

    keep(tmp_path / "cache" / "a.txt", fail)
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_script_of_charts_is_made_once_and_without_a_cache_each_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = vega_bundle()
    assert bundle_path().read_text(encoding="utf-8") == made
    bundle_path().write_text("kept", encoding="utf-8")
    assert vega_bundle() == "kept"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert vega_bundle() == made
