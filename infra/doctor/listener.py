"""A port of this machine that nodes of a cluster have to reach."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from infra.clusters.addresses import listen

LONGEST = 200
"""Characters of a greeting."""


class Listener(socketserver.ThreadingTCPServer):
    """Answers ok to whoever connects and sends a line; see `infra.doctor.probe.greet`."""

    daemon_threads = True

    def __init__(self, taken: socket.socket) -> None:
        super().__init__(taken.getsockname(), _Greeting, bind_and_activate=False)
        self.socket.close()
        self.socket = taken
        self.server_activate()
        host, port = taken.getsockname()[:2]
        self.address = f"tcp://{host}:{port}"
        """Where it listens."""


class _Greeting(socketserver.StreamRequestHandler):
    timeout = 10

    def handle(self) -> None:
        self.rfile.readline(LONGEST)
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
