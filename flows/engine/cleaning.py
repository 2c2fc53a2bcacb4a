"""Removing what a finished run keeps so that it could be resumed."""

from contextlib import suppress
from pathlib import Path

from flows.engine.lock import only_run_in
from tasks.core.errors import InputError
from tasks.core.file_names import RUN
from tasks.core.storage import read_json
from tasks.core.work import discard_results, discard_unfinished


def clean(output: Path) -> int:
    """Remove the stages' own files of a finished run from ``work/``, and nothing that others put there.

    The published files stay; a rerun would compute everything again.

    Returns
    -------
    int
        Bytes that are free now.

    Raises
    ------
    InputError
        There is no finished run, or another one is going on.
    """
    status = _status(output)
    if status != "done":
        raise InputError(
            f"--clean: {output} holds {'no run' if status is None else f'a run whose status is {status}'}; expected a "
            "finished one (done), since a run is resumed from what would be removed"
        )
    work = output / "work"
    before = _bytes(work)
    with only_run_in(output):
        discard_unfinished(work)
        discard_results(work)
        for folder in work.glob("*/"):
            with suppress(OSError):  # somebody put something there
                folder.rmdir()
        return before - _bytes(work)


def _status(output: Path) -> object:
    try:
        return read_json(output / RUN).get("status")
    except (OSError, ValueError):
        return None


def _bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
