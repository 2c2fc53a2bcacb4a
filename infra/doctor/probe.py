"""What a job of the doctor runs in place of a worker: it looks around on its node and reports.

It needs nothing but Python's library and this project, so that it tells of whatever else is missing.
"""

import argparse
import json
import os
import platform
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.metadata import distributions
from pathlib import Path
from types import MappingProxyType
from typing import TypedDict
from urllib.parse import urlsplit

from tasks.core.gpus import PROCESSOR, count_gpus, cupy_obstacle, onnx_obstacle, run_onnx

CONNECT_SECONDS = 10.0
"""How long a connection may take; what a firewall drops is never answered."""


class Scratch(TypedDict):
    """A folder for temporary files; `problem` is empty where files can be written."""

    path: str
    free: int
    problem: str


class Report(TypedDict):
    """What a machine has.

    `packages` are versions by name; `gpus` counts those that can be used, `driver` is what nvidia-smi says, a line for
    each; where there are some, `gpu_obstacles` tells what keeps each package that computes on them from that, or is
    empty, as does `onnxruntime` of that package on the processor; `unreachable` and `unseen` are the problems with each
    address and path that was tried, or empty.
    """

    host: str
    python: str
    executable: str
    packages: dict[str, str]
    gpus: int
    driver: str
    gpu_obstacles: dict[str, str]
    onnxruntime: str
    scratch: Scratch
    unreachable: dict[str, str]
    unseen: dict[str, str]


def look_around(*, unreachable: Mapping[str, str] = MappingProxyType({}), paths: Iterable[str] = ()) -> Report:
    """Describe the machine on which this runs, and tell whether it sees some paths."""
    gpus = count_gpus()
    return Report(
        host=socket.gethostname(),
        python=platform.python_version(),
        executable=sys.executable,
        packages=dict(sorted(_packages())),
        gpus=gpus,
        driver=driver(),
        gpu_obstacles={"cupy": cupy_obstacle(), "onnxruntime": onnx_obstacle()} if gpus else {},
        onnxruntime=run_onnx(PROCESSOR),
        scratch=scratch(),
        unreachable=dict(unreachable),
        unseen={path: _unseen(path) for path in paths},
    )


def _unseen(path: str) -> str:
    try:
        Path(path).stat()
    except OSError as error:
        return error.strerror or str(error)
    return "" if os.access(path, os.R_OK) else "it cannot be read"


def _packages() -> Iterator[tuple[str, str]]:
    for distribution in distributions():
        if name := distribution.metadata["Name"]:
            yield name.lower().replace("_", "-"), distribution.version


def driver() -> str:
    """Return what nvidia-smi says of each GPU, or why it says nothing."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    except FileNotFoundError:
        return "there is no nvidia-smi"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"nvidia-smi does not answer: {error}"
    return (ran.stdout.strip() or ran.stderr.strip()).replace("\n", "; ")


def scratch() -> Scratch:
    """Write a file where temporary files go, and remove it."""
    try:
        folder = tempfile.gettempdir()
    except OSError as error:  # none of all folders for them can be written
        return Scratch(path=os.environ.get("TMPDIR", "/tmp"), free=0, problem=str(error))  # noqa: S108
    wanted = os.environ.get("TMPDIR", folder)
    problem = "" if Path(wanted).resolve() == Path(folder).resolve() else "it cannot be written"
    return Scratch(path=wanted, free=shutil.disk_usage(folder).free, problem=problem)


def greet(address: str) -> str:
    """Return what keeps this machine from a listener of the doctor, or nothing."""
    parts = urlsplit(address)
    try:
        with socket.create_connection((parts.hostname, parts.port), timeout=CONNECT_SECONDS) as connection:
            connection.sendall(b"hello\n")
            return "" if connection.recv(2) == b"ok" else "somebody else answers there"
    except OSError as error:
        return error.strerror or str(error)


def ask_api(url: str) -> str:
    """Return what keeps this machine from a Prefect API such as ``http://host:4200/api``, or nothing."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection: HTTPConnection | None = None
    try:
        if parts.scheme == "https":
            trusted = ssl.create_default_context(cafile=os.environ.get("PREFECT_API_SSL_CERT_FILE"))
            connection = HTTPSConnection(host, parts.port, timeout=CONNECT_SECONDS, context=trusted)
        else:
            connection = HTTPConnection(host, parts.port, timeout=CONNECT_SECONDS)
        connection.request("GET", f"{parts.path.rstrip('/')}/health")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
    finally:
        if connection is not None:
            connection.close()
    return "" if status in {200, 401, 403} else f"it answers with HTTP status {status}"


def main(arguments: list[str]) -> None:
    """Report into a file; arguments that are for a worker are left alone."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("scheduler")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--second")
    parser.add_argument("--api")
    parser.add_argument("--path", action="append", default=[])
    own, _ = parser.parse_known_args(arguments)
    unreachable = {"scheduler": greet(own.scheduler)}
    if own.second:
        unreachable["Prefect API"] = greet(own.second)
    elif own.api:
        unreachable["Prefect API"] = ask_api(own.api)
    temporary = own.report.with_suffix(".part")
    temporary.write_text(json.dumps(look_around(unreachable=unreachable, paths=own.path)), encoding="utf-8")
    temporary.replace(own.report)


if __name__ == "__main__":
    main(sys.argv[1:])
