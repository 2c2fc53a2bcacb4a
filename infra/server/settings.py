"""What settings.env says, checked before anything is started."""

import ipaddress
from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field, ValidationError, field_validator

from tasks.core.errors import ConfigError
from tasks.core.explain import explain
from tasks.core.section import Section

DEFAULT = Path(__file__).with_name("settings.env")

POSTGRES = "/usr/lib/postgresql/{}/bin"
"""Where Debian keeps the programs of a major version."""

LONGEST_SOCKET = 107
"""Bytes of the path of a Unix socket, on Linux."""

SOCKET = ".s.PGSQL.5432"


class ServerSettings(Section):
    """Settings of a shared server; the fields are the variables of settings.env, which says what they mean."""

    server_data: Path = Field(description="Folder of everything that is kept.")
    server_host: str = Field(default="127.0.0.1", description="Address on which it listens.")
    server_port: int = Field(default=4200, ge=1, le=65535, description="Port on which it listens.")
    server_url: str = Field(default="", description="Address for clients, if another one.", pattern=r"^(https?://.+)?$")
    server_tls_certificate: Path | None = Field(default=None, description="Certificate, in PEM.")
    server_tls_key: Path | None = Field(default=None, description="Its key, in PEM.")
    server_login: str = Field(default="admin", description="Name for the log-in.", pattern=r"^[A-Za-z0-9._-]+$")
    postgres_account: str = Field(default="postgres", description="Owner of the database's files, for root.")
    postgres_version: int = Field(default=15, ge=14, description="Major version of PostgreSQL.")
    prefect_version: str = Field(description="Version of Prefect's image.")

    @field_validator("server_data")
    @classmethod
    def _fits_a_socket(cls, folder: Path) -> Path:
        folder = folder.expanduser()
        if not folder.is_absolute():
            raise ValueError(f"got {str(folder)!r}; expected an absolute path")
        if len(str(folder / "socket" / SOCKET).encode()) > LONGEST_SOCKET:
            raise ValueError(f"got {str(folder)!r}; a socket lies in there, so its path may have 80 bytes at most")
        return folder

    @field_validator("server_tls_certificate", "server_tls_key")
    @classmethod
    def _absolute(cls, file: Path | None) -> Path | None:
        return None if file is None else file.expanduser().absolute()  # the server works in another folder

    @property
    def tls(self) -> tuple[Path, Path] | None:
        """Certificate and key; None where it speaks plain HTTP."""
        if self.server_tls_certificate is None or self.server_tls_key is None:
            return None
        return self.server_tls_certificate, self.server_tls_key

    @property
    def url(self) -> str:
        """Where clients find it, without a slash at the end."""
        host = f"[{self.server_host}]" if ":" in self.server_host else self.server_host
        own = f"{'https' if self.tls else 'http'}://{host}:{self.server_port}"
        return (self.server_url or own).rstrip("/")

    @property
    def api(self) -> str:
        """The value of PREFECT_API_URL."""
        return f"{self.url}/api"

    @property
    def postgres_programs(self) -> Path:
        """Folder with initdb, postgres, pg_dump and the others."""
        return Path(POSTGRES.format(self.postgres_version))


def read_settings(path: Path = DEFAULT) -> ServerSettings:
    """Read a file of settings.

    Raises
    ------
    ConfigError
        It is missing or wrong, would let passwords travel unencrypted, or PostgreSQL is not installed.
    """
    if not path.is_file():
        raise ConfigError(f"there is no file of settings {str(path)!r}; copy {DEFAULT}")
    values = {name.lower(): value for name, value in dotenv_values(path, interpolate=False).items() if value}
    try:
        settings = ServerSettings.model_validate(values)
    except ValidationError as error:
        lines = [f"  {line}" for line in explain(error, data=values, model=ServerSettings)]
        raise ConfigError("\n".join([f"{path}:", *lines])) from error
    for problem in _problems(settings):
        raise ConfigError(f"{path}: {problem}")
    return settings


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; a name but localhost counts as reachable."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _problems(settings: ServerSettings) -> list[str]:
    problems = []
    files = settings.server_tls_certificate, settings.server_tls_key
    if (files[0] is None) != (files[1] is None):
        problems.append("got one of SERVER_TLS_CERTIFICATE and SERVER_TLS_KEY; give both or neither")
    problems += [f"SERVER_TLS_…: there is no file {str(file)!r}" for file in files if file and not file.is_file()]
    if settings.tls is None and not is_loopback(settings.server_host):
        problems.append(
            f"SERVER_HOST: got {settings.server_host} without TLS, so that anybody on the network could read the "
            "password; give SERVER_TLS_CERTIFICATE and SERVER_TLS_KEY, or 127.0.0.1 behind a reverse proxy with TLS"
        )
    if settings.server_host in {"0.0.0.0", "::"} and not settings.server_url:  # noqa: S104 - only compared with
        problems.append(
            f"SERVER_URL is empty, and nobody can call {settings.server_host}; give the address that clients use, "
            "such as https://prefect.example.org:4200"
        )
    if not (settings.postgres_programs / "postgres").is_file():
        there = sorted(path.parent.parent.name for path in Path("/").glob(POSTGRES.format("*")[1:] + "/postgres"))
        problems.append(
            f"POSTGRES_VERSION: PostgreSQL {settings.postgres_version} is not in {settings.postgres_programs}; there "
            f"is {', '.join(there) or 'none'}; install it, as by apt-get install postgresql"
        )
    return problems
