"""A task's key: the digest of its name, its version and the identities of all its arguments."""

from collections.abc import Mapping
from typing import Protocol

from tasks.core.digest import digest


class Versioned(Protocol):
    """A task as far as its key goes; Prefect's have both."""

    @property
    def name(self) -> str:
        """Name of the task."""

    @property
    def version(self) -> str | None:
        """Raised when equal arguments give other results."""


def task_key(task: Versioned, arguments: Mapping[str, object]) -> str:
    """Name the result of a task: 40 hexadecimal digits.

    Parameters
    ----------
    arguments
        All that the task is given, except where it is to write and for which run. What of an argument counts, its type
        says by a property `identity`; of other models and dataclasses all fields count.
    """
    return digest(task.name, task.version, dict(arguments))
