"""The text of a systemd user unit that keeps the worker of a pool alive."""

import shlex
import sys
from pathlib import Path

UNIT = """[Unit]
Description=Prefect worker of the work pool {name}
After=network-online.target

[Service]
EnvironmentFile=-%h/.config/scip-flows.env
WorkingDirectory={folder}
ExecStart={command}
Restart=always
RestartSec=10
KillMode=mixed
TimeoutStopSec=90

[Install]
WantedBy=default.target
"""
"""`KillMode=mixed`: only the worker is told to end, which ends its flow runs in good order; what is left is killed."""


def worker_command(name: str) -> str:
    """Return the command of the worker of a pool."""
    return shlex.join([str(Path(sys.executable).with_name("prefect")), "worker", "start", "--pool", name])


def unit(name: str, *, folder: Path) -> str:
    """Write the unit.

    Parameters
    ----------
    name
        Of the pool.
    folder
        Where the worker is started.
    """
    return UNIT.format(name=name, folder=_literal(str(folder)), command=_literal(worker_command(name)))


def _literal(text: str) -> str:
    """Keep systemd from reading a sign of percent as one of its words."""
    return text.replace("%", "%%")
