"""One run at a time in an output folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tasks.core.errors import InputError


@contextmanager
def only_run_in(output: Path) -> Iterator[None]:
    """Keep other runs out of an output folder; the lock falls when this process ends, however it ends.

    Raises
    ------
    InputError
        Another run holds it.
    """
    (output / "work").mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(output / "work" / "lock", timeout=0):
            yield
    except Timeout as error:
        raise InputError(
            f"another run is writing into {output}; wait until it ends, or choose another --output"
        ) from error
