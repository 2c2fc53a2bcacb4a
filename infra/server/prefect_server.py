"""Prefect's server process: the command that `prefect server start` runs, with TLS, and its settings."""

import os
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from infra.api_server import server_variables
from infra.server.credentials import DATABASE, LOGIN, credentials
from infra.server.postgres import Postgres
from infra.server.settings import ServerSettings
from tasks.core.errors import ConfigError, RunError

APPLICATION = ("-m", "uvicorn", "--factory", "prefect.server.api.server:create_app")

SHARED = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",  # `upgrade` does, after a back-up
    # Prefect's 5 and 10 s are too short for a machine that computes beside it: its services end in a TimeoutError.
    "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60",
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
}
"""What compose.yaml sets, too."""


def command(settings: ServerSettings) -> list[str]:
    """Return the command line of the server."""
    listen = ["--host", settings.server_host, "--port", str(settings.server_port)]
    tls = (
        [] if settings.tls is None else ["--ssl-certfile", str(settings.tls[0]), "--ssl-keyfile", str(settings.tls[1])]
    )
    return [sys.executable, *APPLICATION, *listen, *tls]


def variables(settings: ServerSettings, *, database: Postgres) -> dict[str, str]:
    """Return its whole environment; nothing of Prefect's is taken from ours."""
    secrets, home = credentials(settings), settings.server_data / "prefect"
    home.mkdir(exist_ok=True, mode=0o700)
    return server_variables(home=home, secret=secrets[LOGIN]) | SHARED | {
        DATABASE: secrets[DATABASE],
        "PREFECT_API_DATABASE_CONNECTION_URL": database.address,
        "PREFECT_SERVER_UI_API_URL": settings.api,  # its own guess is port 4200 of the browser's machine
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": settings.url,  # other sites' scripts have no business there
        "PREFECT_UI_STATIC_DIRECTORY": str(home / "ui"),  # Prefect writes into it; the installation may be another's
    }  # fmt: skip


def check_database(database: Postgres) -> bool:
    """Whether the database is made; a new one has no tables yet.

    Raises
    ------
    ConfigError
        It is of another version of Prefect than the installed one.
    """
    if not database.ask("SELECT to_regclass('public.alembic_version');"):
        return False
    there, expected = database.ask("SELECT version_num FROM alembic_version;"), newest_revision()
    if there != expected:
        raise ConfigError(
            f"the database has revision {there or 'none'}, and Prefect {version('prefect')} needs {expected}; run "
            "`python -m infra.server upgrade`, which makes a back-up first. If Prefect is older than before, install "
            "the later one again, or restore a back-up of the earlier one"
        )
    return True


def upgrade_database(settings: ServerSettings, *, database: Postgres) -> None:
    """Make the tables, or bring them to the installed version of Prefect.

    Raises
    ------
    RunError
        Prefect could not; each change that it did not finish is undone.
    """
    ran = subprocess.run(
        [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"],
        env=variables(settings, database=database), cwd="/", stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode:
        raise RunError(f"prefect server database upgrade failed: {(ran.stdout + ran.stderr)[-2000:].strip()}")


def newest_revision() -> str:
    """Return the revision of the database that the installed Prefect works with; Prefect has no command that tells."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - for this alone

    spec = find_spec("prefect")
    migrations = Path(
        next(iter((spec and spec.submodule_search_locations) or [os.curdir])), "server/database/_migrations"
    )
    scripts = ScriptDirectory(str(migrations), version_locations=[str(migrations / "versions" / "postgresql")])
    return scripts.get_current_head() or ""
