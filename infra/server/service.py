"""The shared server as processes: one that watches over PostgreSQL and Prefect, and what starts and ends it."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from types import FrameType

import psutil
from filelock import FileLock, Timeout
from pydantic import ValidationError

from infra.processes import ProcessIdentity
from infra.server.postgres import Postgres
from infra.server.prefect_server import check_database, command, upgrade_database, variables
from infra.server.settings import ServerSettings
from tasks.core.errors import ConfigError, RunError
from tasks.core.storage import write_json
from tasks.core.work import Frozen

START_SECONDS = 600.0
"""A new database takes a minute, on a loaded machine several."""

STOP_SECONDS, LOOK_SECONDS = 30.0, 0.5

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not bound
"""Where this machine finds a server that listens everywhere."""


class Processes(Frozen):
    """Of a server that was started; in processes.json. While it starts, the later ones are not there yet."""

    watch: ProcessIdentity
    postgres: ProcessIdentity | None = None
    prefect: ProcessIdentity | None = None

    @property
    def alive(self) -> dict[str, ProcessIdentity]:
        """Those that are still there, in the order in which they are ended."""
        named = {"watch": self.watch, "prefect": self.prefect, "postgres": self.postgres}
        return {name: process for name, process in named.items() if process and process.is_here and process.is_alive}


def serve(settings: ServerSettings) -> None:
    """Run the server until SIGTERM or Ctrl-C, in the foreground: for `up`, and for systemd.

    Raises
    ------
    RunError
        PostgreSQL or Prefect ended by itself; the other one has been ended, too.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    database = Postgres(settings)
    with only_one(settings), _written_down(settings) as write, database.running() as postgres:
        write(postgres=_identity(postgres))
        if not check_database(database):
            upgrade_database(settings, database=database)
        _check_port(settings)
        prefect = subprocess.Popen(  # noqa: S603 - our own Python
            command(settings), env=variables(settings, database=database), cwd="/", stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for this process
        )  # fmt: skip
        try:
            write(postgres=_identity(postgres), prefect=_identity(prefect))
            while postgres.poll() is None and prefect.poll() is None:
                time.sleep(LOOK_SECONDS)
            ended = "PostgreSQL" if prefect.returncode is None else "Prefect"
        finally:
            _end(prefect)
        raise RunError(f"{ended} ended by itself; the server is down")


def up(settings: ServerSettings, *, path: Path) -> None:
    """Start the server in the background, and wait until it answers; `path` is the file of its settings.

    Raises
    ------
    ConfigError, RunError
        It runs already, or does not start; the message holds what it printed last.
    """
    if alive := running(settings):
        raise ConfigError(f"a server of {settings.server_data} runs already ({', '.join(alive)}); `down` ends it")
    _check_port(settings)
    settings.server_data.mkdir(parents=True, exist_ok=True, mode=0o711)
    log = settings.server_data / "server.log"
    log.touch(mode=0o600)
    begin = log.stat().st_size
    with log.open("ab") as file:
        process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "infra.server", "--settings", str(path.resolve()), "serve"],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while not answers(settings):
        if process.poll() is not None or time.monotonic() > deadline:
            _end(process)
            printed = log.read_bytes()[begin:].decode(errors="replace")[-2000:].strip()
            raise RunError(f"the server did not start; {log} ends in:\n{printed}")
        time.sleep(LOOK_SECONDS)


def down(settings: ServerSettings) -> bool:
    """End the server and all of its parts, whichever still live; return whether there were any.

    Raises
    ------
    RunError
        Some did not end.
    """
    found = False
    # The watching process ends the others in good order; what it leaves, as when it was killed, is ended here.
    for name in ("watch", "prefect", "postgres"):
        if (identity := running(settings).get(name)) is None:
            continue
        found = True
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(identity.process)
            process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
            with suppress(psutil.TimeoutExpired):
                process.wait(4 * STOP_SECONDS)
    if alive := running(settings):
        raise RunError(f"{', '.join(alive)} did not end; look into {settings.server_data / 'server.log'}")
    processes_file(settings).unlink(missing_ok=True)
    return found


def running(settings: ServerSettings) -> dict[str, ProcessIdentity]:
    """Return the parts of a server that are alive, by name."""
    try:
        text = processes_file(settings).read_text(encoding="utf-8")
        return Processes.model_validate_json(text).alive
    except (OSError, ValidationError):
        return {}


def answers(settings: ServerSettings, *, login: str | None = None) -> bool:
    """Whether the server answers; with a `login`, ``name:password``, whether it is let in."""
    host = ANYWHERE.get(settings.server_host, settings.server_host)
    headers = {} if login is None else {"Authorization": f"Basic {b64encode(login.encode()).decode()}"}
    connection: HTTPConnection
    if settings.tls is None:
        connection = HTTPConnection(host, settings.server_port, timeout=10)
    else:  # by an address that need not be in the certificate; only its own certificate does
        context = ssl.create_default_context(cafile=str(settings.tls[0]))
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        connection = HTTPSConnection(host, settings.server_port, timeout=10, context=context)
    with closing(connection), suppress(OSError, HTTPException):
        connection.request("GET", "/api/health" if login is None else "/api/admin/version", headers=headers)
        return connection.getresponse().status == HTTPStatus.OK
    return False


@contextmanager
def only_one(settings: ServerSettings) -> Iterator[None]:
    """Keep others away from the data within the block.

    Raises
    ------
    ConfigError
        Another process works with it.
    """
    settings.server_data.mkdir(parents=True, exist_ok=True, mode=0o711)
    try:
        with FileLock(settings.server_data / "lock", timeout=0):
            yield
    except Timeout as error:
        raise ConfigError(
            f"another process works with {settings.server_data}; `python -m infra.server down` ends a server"
        ) from error


def processes_file(settings: ServerSettings) -> Path:
    """Return where the processes of the running server are written down."""
    return settings.server_data / "processes.json"


@contextmanager
def _written_down(settings: ServerSettings) -> Iterator[Callable[..., None]]:
    """Keep the processes of this server written down within the block, this one first, so that `down` finds them."""

    def write(**others: ProcessIdentity) -> None:
        own = Processes(watch=ProcessIdentity.here(), **others)
        write_json(processes_file(settings), own.model_dump(mode="json"))

    write()
    try:
        yield write
    finally:
        processes_file(settings).unlink(missing_ok=True)


def _check_port(settings: ServerSettings) -> None:
    family = socket.AF_INET6 if ":" in settings.server_host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.server_host, settings.server_port))
        except OSError as error:
            raise ConfigError(
                f"SERVER_HOST, SERVER_PORT: cannot listen on {settings.server_host}:{settings.server_port} "
                f"({error.strerror}); give another one"
            ) from error


def _identity(process: subprocess.Popen[bytes]) -> ProcessIdentity:
    started = psutil.Process(process.pid).create_time()
    return ProcessIdentity(host=socket.gethostname(), process=process.pid, process_started=started)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _leave(number: int, frame: FrameType | None) -> None:
    """End this process by way of the blocks that it is in; a second signal does not disturb that."""
    del number, frame
    for other in (signal.SIGTERM, signal.SIGINT):
        signal.signal(other, signal.SIG_IGN)
    sys.exit(os.EX_OK)
