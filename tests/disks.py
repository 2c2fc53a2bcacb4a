"""Disks that tests may fill, make read-only and take away: file systems in memory."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _call(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)


class Disk:
    """A file system in memory, mounted twice: taken away in one place, its content is kept by the other."""

    def __init__(self, path: Path, *, aside: Path) -> None:
        self.path = path
        self._aside = aside

    def resize(self, size: int) -> None:
        """Give it so many bytes."""
        _call("mount", "-o", f"remount,size={size}", self._aside)

    def make_read_only(self) -> None:
        """Let nothing be written any more."""
        _call("mount", "-o", "remount,ro,bind", self.path)

    def lose(self) -> None:
        """Take it away although files on it are open, as when a network mount is lost."""
        _call("umount", "-l", self.path)

    def bring_back(self) -> None:
        """Mount it again where it was."""
        _call("mount", "--bind", self._aside, self.path)


@contextmanager
def disk(folder: Path, *, size: int) -> Iterator[Disk]:
    """Mount a file system of so many bytes; skips where that is not permitted."""
    path, aside = folder / "disk", folder / "aside"
    path.mkdir()
    aside.mkdir()
    try:
        _call("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", aside)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"may not mount file systems here: {error}")
    try:
        _call("mount", "--bind", aside, path)
        yield Disk(path, aside=aside)
    finally:
        for mounted in (path, aside):
            subprocess.run(["umount", "-l", str(mounted)], check=False, capture_output=True)
