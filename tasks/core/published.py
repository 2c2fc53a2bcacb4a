"""What is published in the output folder, by what it is known as ours, and how another run finds it."""

import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.core.errors import InputError, RunError
from tasks.core.file_names import STATISTICS_FOLDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A kind of published file, or a store: a folder that is one thing, such as a zarr store.

    Parameters
    ----------
    path
        Path in the output folder; of several files a glob pattern.
    always
        Path of one of several files that every run writes.
    is_ours
        Whether a file, or a store, of that name was written by this program.
    name
        What the names of several files look like.
    """

    path: str
    is_ours: Callable[[Path], bool]
    name: re.Pattern[str] = re.compile(r".*", re.DOTALL)
    always: str | None = None

    def files(self, output: Path) -> Iterator[Path]:
        """Yield the files there that this program wrote; of a store all that are in it."""
        for path in output.glob(self.path):
            if self.owns(path):
                yield from (file for file in path.rglob("*") if file.is_file()) if path.is_dir() else (path,)

    def owns(self, path: Path) -> bool:
        """Whether this program wrote a file, going by its name and by what it holds."""
        return self.name.fullmatch(path.name) is not None and self.is_ours(path)

    def check(self, output: Path) -> None:
        """Refuse an output folder in which another program's file has a name that any run writes.

        Raises
        ------
        InputError
            Naming the file.
        """
        path = output / (self.always or self.path)
        if path.exists() and not self.is_ours(path):
            raise InputError(
                f"--output: {path} was not written by this program and would be overwritten; move it away or "
                "choose another folder"
            )

    def claim(self, targets: Iterable[Path]) -> None:
        """Refuse to overwrite a file of another program.

        Raises
        ------
        RunError
            Naming the file; to be called before anything is written.
        """
        for target in targets:
            if target.exists() and not self.is_ours(target):
                raise RunError(
                    f"{target} is in the way: it was not written by this program; move it, or choose another "
                    "--output, and run again"
                )

    def discard_stale(self, output: Path, *, but: Collection[Path]) -> None:
        """Remove files and stores of an earlier run."""
        for path in output.glob(self.path):
            if path in but or not self.owns(path):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def find_published(path: str | Path, *, name: str) -> Path | None:
    """Find a file of the folder ``statistics`` by itself, by that folder, or by the run's output folder.

    Parameters
    ----------
    path
        What a user gave; ``~`` is the home folder.
    name
        The file's name, such as ``quality.json``.

    Returns
    -------
    Its absolute path; None where there is no such file.
    """
    given = Path(path).expanduser().absolute()
    return next((path for path in (given, given / name, given / STATISTICS_FOLDER / name) if path.is_file()), None)
