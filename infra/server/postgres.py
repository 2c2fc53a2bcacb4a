"""A private PostgreSQL: reached by a Unix socket alone, never the system's, and never as root."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from signal import SIGINT, SIGQUIT
from typing import Any, BinaryIO, TypedDict

from infra.server.credentials import DATABASE, credentials
from infra.server.settings import SOCKET, ServerSettings
from tasks.core.errors import ConfigError, RunError

NAME = "prefect"
"""Of the database and of the role that Prefect has; it may do nothing to other databases."""

HBA = """# the superuser is the account that owns the files, and nobody else
local all {account} peer
local {name} {name} scram-sha-256
"""

START_SECONDS, STOP_SECONDS = 120.0, 60.0


class _As(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


class Postgres:
    """The database of a shared server; making this value touches nothing."""

    def __init__(self, settings: ServerSettings) -> None:
        data = settings.server_data
        self._settings = settings
        self._files, self._log = data / f"postgres-{settings.postgres_version}", data / "postgres.log"
        self.socket = data / "socket"
        """Folder of the socket."""
        self.address = f"postgresql+asyncpg://{NAME}@/{NAME}?host={self.socket}"
        """For Prefect, which takes the password from PGPASSWORD."""

    @property
    def is_running(self) -> bool:
        """Whether it takes connections."""
        return (self.socket / SOCKET).exists() and self._run("pg_isready", check=False).returncode == 0

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run it within the block; the first time its files and the empty database are made.

        Raises
        ------
        RunError
            It does not start; the message holds what it printed last.
        """
        self._make_folders()
        if not (self._files / "PG_VERSION").exists():
            self._initialize()
        with self._log.open("ab") as log:
            command = ["-D", self._files, "-c", "listen_addresses=", "-c", f"unix_socket_directories={self.socket}"]
            process = subprocess.Popen(  # noqa: S603 - the program is of the settings' folder
                [self._program("postgres"), *map(str, command)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the process that ends it
                cwd="/", env=_environment(), **self._account,
            )  # fmt: skip
        try:
            self._wait(process)
            self._make_database()
            yield process
        finally:
            _end(process)

    @contextmanager
    def available(self) -> Iterator[None]:
        """Use the one that runs, or run it within the block."""
        if self.is_running:
            yield
        else:
            with self.running():
                yield

    def ask(self, statement: str, *, database: str = NAME) -> str:
        """Run SQL as the superuser, and return what it prints; it never stands in a command line."""
        options = ["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-", "-d", database]
        return self._run("psql", *options, text=statement).stdout.decode().strip()

    def dump(self, file: BinaryIO) -> None:
        """Write the database as pg_dump has it, compressed."""
        self._run("pg_dump", "--format=custom", f"--dbname={NAME}", stdout=file)

    def restore(self, file: BinaryIO) -> None:
        """Put a dump in the place of the database; where it cannot be read, that stays as it is.

        Raises
        ------
        RunError
            It is no dump, or a damaged one.
        """
        new = f"{NAME}_new"
        self.ask(f"DROP DATABASE IF EXISTS {new};\nCREATE DATABASE {new} OWNER {NAME};", database="postgres")
        self._run("pg_restore", "--exit-on-error", "--no-owner", f"--role={NAME}", f"--dbname={new}", stdin=file)
        old = f"{NAME}_old"
        self.ask(
            f"DROP DATABASE IF EXISTS {old};\nALTER DATABASE {NAME} RENAME TO {old};\n"
            f"ALTER DATABASE {new} RENAME TO {NAME};\nDROP DATABASE {old};",
            database="postgres",
        )

    @property
    def _account(self) -> _As:
        """Whose the database is: for root another account's."""
        if os.geteuid() != 0:
            return {}
        name = self._settings.postgres_account
        try:
            entry = pwd.getpwnam(name)
        except KeyError as error:
            raise ConfigError(f"POSTGRES_ACCOUNT: there is no account {name!r}; make one, or name another") from error
        if entry.pw_uid == 0:
            raise ConfigError("POSTGRES_ACCOUNT: got an account that is root's; PostgreSQL does not run as root")
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    @property
    def _superuser(self) -> str:
        return pwd.getpwuid(self._account.get("user", os.geteuid())).pw_name

    def _program(self, name: str) -> str:
        return str(self._settings.postgres_programs / name)

    def _make_folders(self) -> None:
        account = self._account
        self._settings.server_data.mkdir(parents=True, exist_ok=True, mode=0o711)
        for folder in (self._files, self.socket):
            folder.mkdir(exist_ok=True, mode=0o700)
            if account:
                shutil.chown(folder, account["user"], account["group"])
        self._log.touch(mode=0o600)

    def _initialize(self) -> None:
        options = ["--auth-local=peer", "--auth-host=reject", "--encoding=UTF8", "--locale=C.UTF-8"]
        self._run("initdb", "-D", str(self._files), f"--username={self._superuser}", *options, connect=False)
        (self._files / "pg_hba.conf").write_text(HBA.format(account=self._superuser, name=NAME), encoding="utf-8")

    def _make_database(self) -> None:
        """Make role and database where they are missing, and have the role take the password of the file."""
        password = credentials(self._settings)[DATABASE].replace("'", "''")
        known = self.ask(f"SELECT 1 FROM pg_roles WHERE rolname = '{NAME}';", database="postgres")  # noqa: S608
        verb = "ALTER" if known else "CREATE"
        self.ask(f"{verb} ROLE {NAME} LOGIN PASSWORD '{password}';", database="postgres")
        if not self.ask(f"SELECT 1 FROM pg_database WHERE datname = '{NAME}';", database="postgres"):  # noqa: S608
            self.ask(f"CREATE DATABASE {NAME} OWNER {NAME};", database="postgres")

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.is_running:
            if process.poll() is not None or time.monotonic() > deadline:
                printed = self._log.read_text(errors="replace")[-1000:].strip()
                raise RunError(f"PostgreSQL did not start; {self._log} ends in: {printed}")
            time.sleep(0.1)

    def _run(
        self,
        program: str,
        *arguments: str,
        text: str | None = None,
        stdin: BinaryIO | None = None,
        stdout: BinaryIO | int = subprocess.PIPE,
        connect: bool = True,
        check: bool = True,
    ) -> subprocess.CompletedProcess[bytes]:
        where: Sequence[str] = ["-h", str(self.socket)] if connect else []
        given: dict[str, Any] = {"input": text.encode()} if text is not None else {"stdin": stdin or subprocess.DEVNULL}
        ran: subprocess.CompletedProcess[bytes] = subprocess.run(  # noqa: S603
            [self._program(program), *where, *arguments],
            stdout=stdout, stderr=subprocess.PIPE, check=False,
            cwd="/", env=_environment(), **given, **self._account,
        )  # fmt: skip
        if check and ran.returncode:
            raise RunError(
                f"{program} failed with status {ran.returncode}: {ran.stderr.decode(errors='replace')[-1000:]}"
            )
        return ran


def _environment() -> dict[str, str]:
    """Keep what libpq would take from the environment out of it: this is never the system's database."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it in good order: clients are cut off, nothing that was committed is lost."""
    process.send_signal(SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(SIGQUIT)  # it then repairs itself at the next start
        process.wait()
