"""Which process something belongs to: a number alone is given again."""

import os
import socket
from typing import Self

import psutil

from tasks.core.work import Frozen

SAME_SECONDS = 2.0
"""Difference of two readings of the time at which a process started."""


class ProcessIdentity(Frozen):
    """A process of some machine.

    Parameters
    ----------
    host, process
        The machine's name and the process's number.
    process_started
        Seconds since 1970.
    """

    host: str
    process: int
    process_started: float

    @classmethod
    def here(cls, **more: object) -> Self:
        """Describe this process; `more` is what a subclass has besides."""
        return cls.model_validate(
            {
                "host": socket.gethostname(),
                "process": os.getpid(),
                "process_started": psutil.Process().create_time(),
                **more,
            }
        )

    @property
    def is_here(self) -> bool:
        """Whether it is, or was, on this machine."""
        return self.host == socket.gethostname()

    @property
    def is_this(self) -> bool:
        """Whether it is the process that asks."""
        return self.is_here and self.process == os.getpid() and self.is_alive

    @property
    def is_alive(self) -> bool:
        """Whether that process of this machine is still there, and not only its remains."""
        try:
            process = psutil.Process(self.process)
            same = abs(process.create_time() - self.process_started) < SAME_SECONDS
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False
