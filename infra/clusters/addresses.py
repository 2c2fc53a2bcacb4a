"""Where the nodes of a cluster and a run find each other: addresses of this machine, a folder that both see."""

import socket
from ipaddress import ip_address
from pathlib import Path
from random import sample

import psutil
from distributed.utils import get_ip

from infra.clusters.model import Batch
from tasks.core.errors import ConfigError


def shared_folder(batch: Batch) -> Path:
    """Return the folder that nodes see, too; only this user may list it.

    Raises
    ------
    ConfigError
        It cannot be made.
    """
    folder = batch.folder.expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"folder: {folder} cannot be made: {error.strerror}; give one that nodes see, too") from error
    return folder


def own_address(interface: str | None) -> str:
    """Return the address of an interface, or, without any, the one from which this machine reaches others.

    Raises
    ------
    ConfigError
        There is no such interface, or the machine has no address but the loopback's.
    """
    if interface is None:
        address: str = get_ip()
        if ip_address(address).is_loopback:
            raise ConfigError(
                f"the address of this machine is not known to it, except for {address}, which nodes do not reach; name "
                f"its network interface as `interface` in the cluster file: {_interfaces()}"
            )
        return address
    for entry in psutil.net_if_addrs().get(interface, ()):
        if entry.family == socket.AF_INET:
            return entry.address
    raise ConfigError(f"interface: got {interface!r}; this machine has {_interfaces()}")


def _interfaces() -> str:
    return ", ".join(sorted(psutil.net_if_addrs()))


def listen(address: str, *, ports: str | None) -> socket.socket:
    """Take a port of a range such as ``40000:40100``, or any that is free.

    Raises
    ------
    ConfigError
        None is free.
    """
    first, last = map(int, ports.split(":")) if ports else (0, 0)
    for port in sample(range(first, last + 1), last - first + 1):  # runs that start together meet less often
        listener = socket.socket()
        listener.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # connections of the last run linger for a minute
        try:
            listener.bind((address, port))
            listener.listen()  # else another one may take it, too
        except OSError:
            listener.close()
        else:
            return listener
    raise ConfigError(f"ports: got {ports}; none of them is free at {address}; give a larger range")
