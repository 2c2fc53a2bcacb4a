"""A port of this machine that nodes of a cluster have to reach, and who did."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from infra.clusters.addresses import listen

LONGEST = 200
"""Characters of a greeting."""


class Listener(socketserver.ThreadingTCPServer):
    """Takes greetings, each a line; see `infra.doctor.probe.greet`."""

    daemon_threads = True

    def __init__(self, taken: socket.socket) -> None:
        super().__init__(taken.getsockname(), _Greeted, bind_and_activate=False)
        self.socket.close()
        self.socket = taken
        self.server_activate()
        host, port = taken.getsockname()[:2]
        self.address = f"tcp://{host}:{port}"
        """Where it listens."""
        self.greetings: set[str] = set()
        """What was said."""


class _Greeted(socketserver.StreamRequestHandler):
    server: Listener
    timeout = 10

    def handle(self) -> None:
        self.server.greetings.add(self.rfile.readline(LONGEST).decode(errors="replace").strip())
        self.wfile.write(b"ok")


@contextmanager
def listening(host: str, *, ports: str | None) -> Iterator[Listener]:
    """Listen at an address of this machine, on a port of a range or any that is free.

    Raises
    ------
    ConfigError
        None of the range is free.
    """
    with Listener(listen(host, ports=ports)) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        try:
            yield listener
        finally:
            listener.shutdown()
