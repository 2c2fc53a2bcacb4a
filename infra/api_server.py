"""A Prefect API server for runs that have none: loopback only, a SQLite home of its own, ends with its parent."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tasks.core.errors import RunError

START_SECONDS = 180.0
"""A loaded machine needs a while to import Prefect and make the database."""


class Server:
    """A server that is starting."""

    def __init__(self, process: subprocess.Popen[bytes], *, url: str, log: Path) -> None:
        self._process = process
        self._url = url
        self._log = log

    def wait(self) -> str:
        """Wait until it answers, and return the address of its API.

        Raises
        ------
        RunError
            It does not answer; the message holds what it printed last.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self._url}/api/health", timeout=2).is_success:
                    return f"{self._url}/api"
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        printed = self._log.read_text(errors="replace")[-2000:].strip()
        raise RunError(f"the local Prefect server did not start: {printed or 'it printed nothing'}")


@contextmanager
def api_server() -> Iterator[Server]:
    """Start a server; stop it and remove its home at the end."""
    home = Path(tempfile.mkdtemp(prefix="scip-flows-prefect-"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
            "PREFECT_HOME": str(home),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "PREFECT_SERVER_UI_API_URL": f"{url}/api",
            "DO_NOT_TRACK": "1",
        }
        # The server is handed the listening socket itself: no other process can take the port meanwhile.
        command = [sys.executable, "-m", "infra.api_server", str(listener.fileno()), str(os.getpid()), str(home)]
        with (home / "server.log").open("wb") as log:
            server = subprocess.Popen(  # noqa: S603 - this very module
                command, env=environment, pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
    try:
        yield Server(server, url=url, log=home / "server.log")
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(home, ignore_errors=True)


def _end_with(parent: int, *, home: Path) -> None:
    """End this process as soon as its parent is gone, however that went, and leave nothing behind."""
    while os.getppid() == parent:
        time.sleep(0.5)
    shutil.rmtree(home, ignore_errors=True)
    os._exit(1)


def _serve(listener: int, *, parent: int, home: Path) -> None:
    threading.Thread(target=_end_with, args=(parent,), kwargs={"home": home}, daemon=True).start()
    import uvicorn  # noqa: PLC0415 - the watch above must stand before these slow imports
    from prefect.server.api.server import create_app  # noqa: PLC0415

    uvicorn.run(create_app(webserver_only=True, final=True), fd=listener, log_level="warning")


if __name__ == "__main__":
    _serve(int(sys.argv[1]), parent=int(sys.argv[2]), home=Path(sys.argv[3]))
