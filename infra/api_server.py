"""A Prefect API server for runs that have none: loopback only, with a secret, kept alive, ends with its parent."""

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
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import certifi

from infra.database import prepare_database
from infra.scratch import scratch_folder
from tasks.core.errors import RunError

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
    """

    def __init__(self, *, listener: socket.socket, home: Path, give_up: Callable[[RunError], None]) -> None:
        self.api = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        """The address of its API, which takes connections from the start and answers them once it is ready."""
        self.secret = secrets.token_urlsafe()
        """What clients have to know, for PREFECT_API_AUTH_STRING."""
        self.certificate = home / "certificate.pem"
        """A file with one of the known authorities, for PREFECT_API_SSL_CERT_FILE.

        Every client, several per task, reads all of them (50 ms), although this server speaks plain http; a file with
        one in their place takes 2 ms.
        """
        authorities = Path(certifi.where()).read_text(encoding="utf-8")
        self.certificate.write_text("".join(authorities.partition(CERTIFICATE_END)[:2]), encoding="utf-8")
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
            connection = HTTPConnection(urlsplit(self.api).netloc, timeout=max(deadline - time.monotonic(), 0.1))
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

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
            "TMPDIR": str(self._home),
            "PREFECT_HOME": str(self._home),
            "PREFECT_SERVER_API_AUTH_STRING": self.secret,  # a command line would show it to every user
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "DO_NOT_TRACK": "1",
            # Three seconds of CPU time: the database is new as it is, no run uses a block, nobody sees this server.
            "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
            "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
            "PREFECT_SERVER_UI_ENABLED": "false",
        }
        # The server is handed the listening socket itself: no other process can take the port meanwhile.
        socket_number = self._listener.fileno()
        command = [sys.executable, *COMMAND, str(socket_number), str(os.getpid()), str(self._home)]
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


@contextmanager
def api_server(*, give_up: Callable[[RunError], None] = lambda _: None) -> Iterator[Server]:
    """Start a server; stop it and remove its home at the end.

    Parameters
    ----------
    give_up
        Told, from another thread, when the server can not be kept alive.
    """
    home = Path(tempfile.mkdtemp(prefix="prefect-", dir=scratch_folder()))
    try:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(BACKLOG)
            server = Server(listener=listener, home=home, give_up=give_up)
            try:
                yield server
            finally:
                server.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _serve(listener: int, *, home: Path) -> None:
    try:
        prepare_database(home / "prefect.db")
        import uvicorn  # noqa: PLC0415 - the watch over the parent must stand before these slow imports
        from prefect.server.api import background_workers  # noqa: PLC0415
        from prefect.server.api.server import create_app  # noqa: PLC0415

        # Prefect's own worker for chores such as late runs, of which this server has none, looks every 250 ms.
        background_workers.Worker = partial(  # type: ignore[assignment,misc]
            background_workers.Worker, minimum_check_interval=CHORES, scheduling_resolution=CHORES
        )
        uvicorn.run(create_app(webserver_only=True, final=True), fd=listener, log_level="warning")
    finally:
        os._exit(1)


def _main(listener: int, *, parent: int, home: Path) -> None:
    """Serve until the parent is gone, however that went, and leave nothing behind.

    A batch system may send SIGTERM to every process of a job; the parent still needs the server then.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(
        target=_serve, args=(listener,), kwargs={"home": home}, daemon=True
    ).start()  # only a main thread handles signals
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    shutil.rmtree(home.parent, ignore_errors=True)  # the parent's folder
    os._exit(1)


if __name__ == "__main__":
    _main(int(sys.argv[1]), parent=int(sys.argv[2]), home=Path(sys.argv[3]))
