"""Passwords of the shared server: generated once, in a file that only its owner may read."""

import os
import secrets
from pathlib import Path

from dotenv import dotenv_values

from infra.server.settings import ServerSettings
from tasks.core.errors import ConfigError
from tasks.core.storage import atomic

LOGIN = "PREFECT_SERVER_API_AUTH_STRING"
DATABASE = "PGPASSWORD"
"""What the driver of the database reads, so that no address holds the password."""

IMAGE = "POSTGRES_PASSWORD"
"""The same for the container's image of PostgreSQL."""


def credentials_file(settings: ServerSettings) -> Path:
    """Return where they are; compose.yaml names the same file."""
    return settings.server_data / "secrets.env"


def credentials(settings: ServerSettings) -> dict[str, str]:
    """Read the passwords, as variables; generate them the first time.

    Raises
    ------
    ConfigError
        Others may read the file, or a password is missing from it.
    """
    path = credentials_file(settings)
    if not path.exists():
        _generate(path, login=settings.server_login)
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path}: others may read it (mode {path.stat().st_mode & 0o777:o}); chmod 600 {path}")
    values = {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}
    if missing := [name for name in (LOGIN, DATABASE, IMAGE) if name not in values]:
        raise ConfigError(f"{path}: {', '.join(missing)} is missing; put it back, or restore the file from a copy")
    return values


def write_private(path: Path, content: bytes) -> None:
    """Write a file that from its first byte on only this user may read."""
    with atomic(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


def _generate(path: Path, *, login: str) -> None:
    database = secrets.token_urlsafe(32)
    values = {LOGIN: f"{login}:{secrets.token_urlsafe(32)}", DATABASE: database, IMAGE: database}
    write_private(path, "".join(f"{name}={value}\n" for name, value in values.items()).encode())
