"""What is published where, and by what each file is known as ours: nothing of other programs is overwritten or removed.

Every kind of published file is described here, or by the exporter that writes it.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tifffile

from tasks.core.dictionary import is_ours as is_our_table
from tasks.core.errors import InputError, RunError
from tasks.core.file_names import CELLS, FEATURES_FOLDER, IMAGES, LABELS_FOLDER, QUARANTINE, RUN, STATISTICS_FOLDER
from tasks.core.partition_files import LABEL_SOFTWARE


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A kind of published file.

    Parameters
    ----------
    path
        Path in the output folder; of several files a glob pattern.
    is_ours
        Whether a file of that name was written by this program.
    name
        What the names of several files look like.
    """

    path: str
    is_ours: Callable[[Path], bool]
    name: re.Pattern[str] = re.compile(r".*", re.DOTALL)

    @property
    def single(self) -> bool:
        """Whether it is one file, whose name does not depend on the data."""
        return "*" not in self.path

    def files(self, output: Path) -> Iterator[Path]:
        """Yield the files there that have such a name, of whomever."""
        return (path for path in output.glob(self.path) if self.name.fullmatch(path.name) and path.is_file())

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
        """Remove files of an earlier run."""
        for path in self.files(output):
            if path not in but and self.is_ours(path):
                path.unlink()


def check_output(output: Path, *, more: Iterable[Published] = ()) -> None:
    """Refuse an output folder in which other programs' files have the names of ours.

    Parameters
    ----------
    more
        What the exporters write.

    Raises
    ------
    InputError
        Naming the file.
    """
    for kind in (*SINGLE, *more):
        for path in kind.files(output) if kind.single else ():
            if not kind.is_ours(path):
                raise InputError(
                    f"--output: {path} was not written by this program and would be overwritten; move it away or "
                    "choose another folder"
                )


def _holds(key: str) -> Callable[[Path], bool]:
    """Make a test for JSON objects that have a key."""

    def test(path: Path) -> bool:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return isinstance(content, dict) and key in content

    return test


def _is_our_label(path: Path) -> bool:
    try:
        with tifffile.TiffFile(path) as file:
            return bool(file.pages.first.tags.valueof("Software") == LABEL_SOFTWARE)
    except (OSError, ValueError, IndexError):  # an IndexError: no page in it
        return False


SINGLE = (
    *(Published(path=name, is_ours=is_our_table) for name in (IMAGES, CELLS, QUARANTINE)),
    Published(path=RUN, is_ours=_holds("configuration")),
    Published(path=f"{STATISTICS_FOLDER}/quality.json", is_ours=_holds("rules")),
    Published(path=f"{STATISTICS_FOLDER}/illumination.json", is_ours=_holds("corrections")),
    Published(path=f"{STATISTICS_FOLDER}/normalization.json", is_ours=_holds("transform")),
)
LABELS = Published(path=f"{LABELS_FOLDER}/**/*.tif", is_ours=_is_our_label)
PARTS = Published(
    path=f"{FEATURES_FOLDER}/part-*.parquet", is_ours=is_our_table, name=re.compile(r"part-\d{5,}\.parquet")
)
