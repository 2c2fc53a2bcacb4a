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
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from infra.database import prepare_database
from tasks.core.errors import RunError

START_SECONDS = 180.0
"""A loaded machine needs a while to import Prefect and make the database."""

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
    def certificate(self) -> Path:
        """A file with one certificate, for PREFECT_API_SSL_CERT_FILE.

        Every client, several per task, reads all known authorities (50 ms), although this server speaks plain http;
        a file with a single certificate in their place takes 2 ms.
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
        with httpx.Client(timeout=seconds, trust_env=False, verify=False) as client:  # noqa: S501 - plain http
            while time.monotonic() < deadline and self._process.poll() is None:
                try:
                    # The socket takes connections from the start, so that one request waits until the server is ready.
                    if client.get(f"{self._url}/api/health").is_success:
                        return f"{self._url}/api"
                except httpx.HTTPError:
                    pass
                time.sleep(0.1)
        printed = (self._home / "server.log").read_text(errors="replace")[-2000:].strip()
        raise RunError(f"the local Prefect server did not start: {printed or 'it printed nothing'}")


@contextmanager
def api_server() -> Iterator[Server]:
    """Start a server; stop it and remove its home at the end."""
    home = Path(tempfile.mkdtemp(prefix="scip-flows-prefect-"))
    try:
        (home / "certificate.pem").write_bytes(_certificate())
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            process = _start(listener, url=url, home=home)
        try:
            yield Server(process, url=url, home=home)
        finally:
            process.kill()  # nothing of it is kept, so there is nothing to end in good order
            process.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _start(listener: socket.socket, *, url: str, home: Path) -> subprocess.Popen[bytes]:
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
        return subprocess.Popen(  # noqa: S603 - this very module
            command,
            env=environment,
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for its parent, which still needs it to record the end
        )


def _certificate() -> bytes:
    """Make a certificate that nothing is signed with: its key is thrown away."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "scip-flows")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now,
        not_valid_after=now + timedelta(days=1),
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


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
