"""A Prefect API server for runs that have none: loopback only, a SQLite home of its own, ends with its parent."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import certifi

from infra.database import prepare_database
from tasks.core.errors import RunError

START_SECONDS = 180.0
"""A loaded machine needs a while to import Prefect and make the database."""

CERTIFICATE_END = "-----END CERTIFICATE-----\n"

WATCH_SECONDS = 0.5
"""How often the server looks whether its parent is still there."""


class Server:
    """A server that is starting.

    Parameters
    ----------
    process, url, home
        The server's process, the root of its address, and its folder.
    """

    def __init__(self, process: subprocess.Popen[bytes], *, url: str, home: Path) -> None:
        self._process = process
        self._url = url
        self._home = home

    @property
    def api(self) -> str:
        """The address of its API, which takes connections from the start and answers them once it is ready."""
        return f"{self._url}/api"

    @property
    def certificate(self) -> Path:
        """A file with one of the known authorities, for PREFECT_API_SSL_CERT_FILE.

        Every client, several per task, reads all of them (50 ms), although this server speaks plain http; a file with
        one in their place takes 2 ms.
        """
        return self._home / "certificate.pem"

    def wait(self, *, seconds: float = START_SECONDS) -> str:
        """Wait until it answers, and return the address of its API.

        Raises
        ------
        RunError
            It does not answer within `seconds`; the message holds what it printed last.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._process.poll() is None:
            # The socket takes connections from the start, so that one request waits until the server is ready.
            connection = HTTPConnection(urlsplit(self.api).netloc, timeout=seconds)
            with closing(connection), suppress(OSError, HTTPException):
                connection.request("GET", "/api/health")
                if connection.getresponse().status == HTTPStatus.OK:
                    return self.api
            time.sleep(0.1)
        printed = (self._home / "server.log").read_text(errors="replace")[-2000:].strip()
        raise RunError(f"the local Prefect server did not start: {printed or 'it printed nothing'}")


@contextmanager
def api_server() -> Iterator[Server]:
    """Start a server; stop it and remove its home at the end."""
    home = Path(tempfile.mkdtemp(prefix="scip-flows-prefect-"))
    try:
        authorities = Path(certifi.where()).read_text(encoding="utf-8")
        (home / "certificate.pem").write_text("".join(authorities.partition(CERTIFICATE_END)[:2]), encoding="utf-8")
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            process = _start(listener, home=home)
        try:
            yield Server(process, url=url, home=home)
        finally:
            process.kill()  # nothing of it is kept, so there is nothing to end in good order
            process.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _start(listener: socket.socket, *, home: Path) -> subprocess.Popen[bytes]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "1",
        # Three seconds of CPU time: the database is new as it is, no run uses a block, nobody sees this server.
        "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
        "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
    }
    # The server is handed the listening socket itself: no other process can take the port meanwhile.
    command = [sys.executable, "-m", "infra.api_server", str(listener.fileno()), str(os.getpid()), str(home)]
    with (home / "server.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - this very module
            command,
            env=environment,
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for its parent, which still needs it to record the end
        )


def _serve(listener: int, *, home: Path) -> None:
    try:
        prepare_database(home / "prefect.db")
        import uvicorn  # noqa: PLC0415 - the watch over the parent must stand before these slow imports
        from prefect.server.api.server import create_app  # noqa: PLC0415

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
    shutil.rmtree(home, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    _main(int(sys.argv[1]), parent=int(sys.argv[2]), home=Path(sys.argv[3]))
