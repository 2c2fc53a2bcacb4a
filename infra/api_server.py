"""A Prefect API server for runs that have none: with a secret, kept alive, ends with its parent.

It listens on the loopback, or, over TLS, where the nodes of a cluster reach it.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from ssl import create_default_context
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import certifi

from infra.clusters.model import Batch
from infra.database import prepare_database
from infra.scratch import make_folder, scratch_folder
from tasks.core.errors import RunError

if TYPE_CHECKING:
    from infra.clusters.certificates import Certificates

START_SECONDS = 180.0
"""A loaded machine needs a while to import Prefect and make the database."""

CERTIFICATE_END = "-----END CERTIFICATE-----\n"

WATCH_SECONDS = 0.5
"""How often the server looks whether its parent is still there."""

DEATHS, DEATHS_SECONDS = 5, 300.0
"""A server that dies more often than this within that time is given up."""

COMMAND = ("-m", "infra.api_server")
"""What Python runs: this very module."""

CHORES = timedelta(seconds=10)

BACKLOG = 1024
"""Connections that may wait for a server."""


class Server:
    """A server that is started again when it dies: on its database, with its socket, so that requests only wait.

    Parameters
    ----------
    listener
        The listening socket. It stays open in this process, too: while there is no server, connections queue up.
    home
        Folder of the server, which only this user may read.
    give_up
        Told when the server can not be kept alive.
    files
        With which it speaks TLS.
    """

    def __init__(
        self,
        *,
        listener: socket.socket,
        home: Path,
        give_up: Callable[[RunError], None],
        files: "Certificates | None" = None,
    ) -> None:
        host, port = listener.getsockname()
        self.api = f"{'http' if files is None else 'https'}://{host}:{port}/api"
        """The address of its API, which takes connections from the start and answers them once it is ready."""
        self.secret = secrets.token_urlsafe()
        """What clients have to know, for PREFECT_API_AUTH_STRING."""
        self.certificate = home / "certificate.pem" if files is None else files.authority
        """A file with its authority, or, with plain http, with one of the known ones, for PREFECT_API_SSL_CERT_FILE.

        Every client, several per task, would read all of those (50 ms), even for plain http; one takes 2 ms.
        """
        if files is None:
            authorities = Path(certifi.where()).read_text(encoding="utf-8")
            self.certificate.write_text("".join(authorities.partition(CERTIFICATE_END)[:2]), encoding="utf-8")
        self._files = files
        self._listener = listener
        self._home = home
        self._give_up = give_up
        self._ready = False
        self._closed = False
        self._error: RunError | None = None
        self._lock = threading.Lock()
        self._process = self._start()
        self._thread = threading.Thread(target=self._keep_alive, name="server", daemon=True)
        self._thread.start()

    def wait(self, *, seconds: float = START_SECONDS) -> str:
        """Wait until it answers, and return the address of its API.

        Raises
        ------
        RunError
            It does not answer within `seconds`; the message holds what it printed last.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._error is None:
            # The socket takes connections from the start, so that one request waits until the server is ready.
            connection = self._connection(timeout=max(deadline - time.monotonic(), 0.1))
            with closing(connection), suppress(OSError, HTTPException):
                connection.request("GET", "/api/health")
                if connection.getresponse().status == HTTPStatus.OK:
                    self._ready = True
                    return self.api
            time.sleep(0.1)
        raise self._error or RunError(f"the local Prefect server did not start: {self._printed()}")

    def close(self) -> None:
        """End the server; nothing of it is kept, so there is nothing to end in good order."""
        with self._lock:
            self._closed = True
            self._process.kill()
        self._thread.join()

    def _connection(self, *, timeout: float) -> HTTPConnection:
        address = urlsplit(self.api).netloc
        if self._files is None:
            return HTTPConnection(address, timeout=timeout)
        context = create_default_context(cafile=str(self._files.authority))
        return HTTPSConnection(address, timeout=timeout, context=context)

    def _start(self) -> subprocess.Popen[bytes]:
        environment = server_variables(home=self._home, secret=self.secret) | {
            # Three seconds of CPU time: the database is new as it is, no run uses a block, nobody sees this server.
            "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
            "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
            "PREFECT_SERVER_UI_ENABLED": "false",
        }
        # The server is handed the listening socket itself: no other process can take the port meanwhile.
        socket_number = self._listener.fileno()
        command = [sys.executable, *COMMAND, str(socket_number), str(os.getpid()), str(self._home)]
        if self._files is not None:
            command += [str(self._files.certificate), str(self._files.key)]
        with (self._home / "server.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - see COMMAND
                command,
                env=environment,
                pass_fds=[socket_number],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for its parent, which still needs it to record the end
            )

    def _keep_alive(self) -> None:
        """Start it again whenever it ended, unless that is in vain."""
        deaths: list[float] = []
        while True:
            status = self._process.wait()
            with self._lock:
                if self._closed:
                    return
                now = time.monotonic()
                deaths = [*(death for death in deaths if death > now - DEATHS_SECONDS), now]
                if len(deaths) > DEATHS or not (self._ready or status < 0):
                    break
                try:
                    self._process = self._start()
                except OSError as error:  # no memory for a process, say
                    status = error.errno or 1
                    break
        if self._ready or status < 0:
            self._error = RunError(
                f"the local Prefect server died {len(deaths)} times within {DEATHS_SECONDS:.0f} s, the last time with "
                f"status {status}; is something killing processes, as for memory? It printed: {self._printed()}. What "
                "is finished is kept, and the same command goes on from there"
            )
        else:
            self._error = RunError(f"the local Prefect server did not start: {self._printed()}")
        self._listener.close()  # clients wait for nobody
        self._give_up(self._error)

    def _printed(self) -> str:
        try:
            printed = (self._home / "server.log").read_text(errors="replace")[-2000:].strip()
        except OSError:
            printed = ""
        return printed or "nothing"


def server_variables(*, home: Path, secret: str) -> dict[str, str]:
    """Return the environment of a Prefect server: ours, but none of Prefect's settings except for these.

    Parameters
    ----------
    home
        Folder of its files.
    secret
        What clients have to know, for PREFECT_API_AUTH_STRING; a command line would show it to every user.
    """
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "TMPDIR": str(home),
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_API_AUTH_STRING": secret,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "1",
    }


@contextmanager
def api_server(*, batch: Batch | None = None, give_up: Callable[[RunError], None] = lambda _: None) -> Iterator[Server]:
    """Start a server; stop it and remove its home at the end.

    Parameters
    ----------
    batch
        Whose nodes have to reach it; default nobody outside this machine.
    give_up
        Told, from another thread, when the server can not be kept alive.

    Raises
    ------
    ConfigError
        At no address of this machine nodes would reach it.
    """
    home = Path(tempfile.mkdtemp(prefix="prefect-", dir=scratch_folder()))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        files = None
        if batch is None:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
        else:
            # What this imports, a server for this machine alone does without.
            from infra.clusters.addresses import listen, own_address, shared_folder  # noqa: PLC0415
            from infra.clusters.certificates import certificates  # noqa: PLC0415

            address = own_address(batch.interface)
            listener = stack.enter_context(listen(address, ports=batch.ports))
            folder = make_folder(shared_folder(batch))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            files = stack.enter_context(certificates(folder, hosts=[address]))
        listener.listen(BACKLOG)
        server = Server(listener=listener, home=home, give_up=give_up, files=files)
        stack.callback(server.close)
        yield server


def _serve(listener: int, *, home: Path, files: Sequence[str]) -> None:
    try:
        prepare_database(home / "prefect.db")
        import uvicorn  # noqa: PLC0415 - the watch over the parent must stand before these slow imports
        from prefect.server.api import background_workers  # noqa: PLC0415
        from prefect.server.api.server import create_app  # noqa: PLC0415

        # Prefect's own worker for chores such as late runs, of which this server has none, looks every 250 ms.
        background_workers.Worker = partial(  # type: ignore[assignment,misc]
            background_workers.Worker, minimum_check_interval=CHORES, scheduling_resolution=CHORES
        )
        certificate, key = files or (None, None)
        uvicorn.run(
            create_app(webserver_only=True, final=True),
            fd=listener,
            log_level="warning",
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
    finally:
        os._exit(1)


def _main(listener: int, *, parent: int, home: Path, files: Sequence[str]) -> None:
    """Serve until the parent is gone, however that went, and leave nothing behind.

    A batch system may send SIGTERM to every process of a job; the parent still needs the server then.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(
        target=_serve, args=(listener,), kwargs={"home": home, "files": files}, daemon=True
    ).start()  # only a main thread handles signals
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    for path in (home, *map(Path, files)):
        shutil.rmtree(path.parent, ignore_errors=True)  # the parent's folders
    os._exit(1)


if __name__ == "__main__":
    _main(int(sys.argv[1]), parent=int(sys.argv[2]), home=Path(sys.argv[3]), files=sys.argv[4:])
