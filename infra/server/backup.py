"""Back-up, restore and upgrade of the shared server's database."""

import os
from datetime import UTC, datetime
from pathlib import Path

from infra.server.postgres import Postgres
from infra.server.prefect_server import upgrade_database
from infra.server.service import only_one, running
from infra.server.settings import ServerSettings
from tasks.core.errors import ConfigError
from tasks.core.storage import atomic


def back_up(settings: ServerSettings, *, path: Path | None = None) -> Path:
    """Write a dump of the database, which may be in use, into a file that only this user may read.

    Parameters
    ----------
    path
        Where to; default a file named by the time in the folder ``backups``.

    Raises
    ------
    ConfigError
        There is a file of that name, or no database yet.
    """
    if not list(settings.server_data.glob("postgres-*/PG_VERSION")):
        raise ConfigError(f"{settings.server_data} holds no database yet; `up` makes one")
    if path is None:
        path = settings.server_data / "backups" / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.dump"
    if path.exists():
        raise ConfigError(f"there is a file {str(path)!r} already; give another name")
    if running(settings):
        _dump(Postgres(settings), path)
    else:
        with only_one(settings), Postgres(settings).running():
            _dump(Postgres(settings), path)
    return path


def restore(settings: ServerSettings, *, path: Path) -> Path | None:
    """Put a dump in the place of the database, and bring it to the installed version of Prefect.

    Returns
    -------
    A back-up of what was there before; None where there was nothing.

    Raises
    ------
    ConfigError
        The server runs, or there is no such file.
    RunError
        The file is no dump, or damaged; the database stays as it was.
    """
    if not path.is_file():
        raise ConfigError(f"there is no back-up {str(path)!r}")
    _must_be_down(settings)
    before = back_up(settings) if list(settings.server_data.glob("postgres-*/PG_VERSION")) else None
    with only_one(settings), Postgres(settings).running():
        with path.open("rb") as file:
            Postgres(settings).restore(file)
        upgrade_database(settings, database=Postgres(settings))
    return before


def upgrade(settings: ServerSettings) -> Path:
    """Bring the database to the installed version of Prefect; return the back-up that was made before.

    Raises
    ------
    ConfigError
        The server runs.
    """
    _must_be_down(settings)
    path = back_up(settings)
    with only_one(settings), Postgres(settings).running():
        upgrade_database(settings, database=Postgres(settings))
    return path


def _must_be_down(settings: ServerSettings) -> None:
    if running(settings):
        raise ConfigError("the server runs; end it first: `python -m infra.server down`")


def _dump(database: Postgres, path: Path) -> None:
    with atomic(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            database.dump(file)
