"""A folder for each run that nodes see, which says whose it is: by it the jobs of a run that died are recognized."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from infra.clusters.addresses import shared_folder
from infra.clusters.model import Batch
from infra.processes import ProcessIdentity
from infra.scratch import PREFIX, is_abandoned, make_folder

OWNER = "run.json"
"""In the folder, whose it is."""


class Owner(ProcessIdentity):
    """The process of a run.

    Parameters
    ----------
    run
        Identity of the run, part of the names of its jobs.
    """

    run: str


@contextmanager
def run_folder(batch: Batch, *, run: str) -> Iterator[Path]:
    """Make the folder of a run, which only this user can read; it goes at the end of the block.

    Where the process is killed, it stays until ``python -m infra.doctor --clean``, which knows by it that the
    run's jobs are nobody's.

    Raises
    ------
    ConfigError
        The cluster's folder cannot be made.
    """
    folder = make_folder(shared_folder(batch))
    try:
        (folder / OWNER).write_text(Owner.here(run=run).model_dump_json(), encoding="utf-8")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """The folder of a run.

    Parameters
    ----------
    owner
        None where the folder does not say.
    abandoned
        Whether its process is gone; False, too, where another machine ran it.
    """

    path: Path
    owner: Owner | None
    abandoned: bool


def run_folders(shared: Path) -> list[RunFolder]:
    """List the folders of all runs, those of other machines included."""
    folders = []
    for path in sorted(shared.glob(f"{PREFIX}*")):
        with suppress(OSError):  # gone meanwhile
            owner = _owner(path)
            abandoned = is_abandoned(path, alive=None if owner is None else owner.is_alive)
            folders.append(RunFolder(path=path, owner=owner, abandoned=abandoned))
    return folders


def _owner(folder: Path) -> Owner | None:
    try:
        return Owner.model_validate_json((folder / OWNER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
