"""What a run has decided, as files in its folder ``statistics`` that another run can name."""

from pathlib import Path


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
    return next((one for one in (given, given / name, given / "statistics" / name) if one.is_file()), None)
