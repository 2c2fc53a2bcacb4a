"""Prefect's tasks travel to workers by name, as functions do.

A pickle finds a function by the name that it has in its module. Under that name stands the task, though, which a
decorator made of it, so the function would be written down as code, with every task that is sent.
"""

import copyreg
from pkgutil import resolve_name
from typing import Any

from prefect import Task


def travel_by_name() -> None:
    """Let pickles of this process name a task that stands in a module, and list the options that it was given since."""
    copyreg.pickle(Task, _reduce)


def path_of(task: Task[..., Any]) -> str:
    """Name the function of a task, so that another process finds it."""
    return f"{task.fn.__module__}:{task.fn.__qualname__}"


def _reduce(task: Task[..., Any]) -> str | tuple[Any, ...]:
    try:
        original = resolve_name(path_of(task))
    except (ImportError, AttributeError, ValueError):  # made within a function, or typed in
        original = None
    if not isinstance(original, Task) or original.fn is not task.fn or task.fn.__module__ == "__main__":
        return object.__reduce_ex__(task, 2)
    options = {name: value for name, value in vars(task).items() if vars(original).get(name) != value}
    return _restore, (path_of(task), options)


def _restore(path: str, options: dict[str, Any]) -> Task[..., Any]:
    return varied(resolve_name(path), **options)


def varied(task: Task[..., Any], **options: Any) -> Task[..., Any]:  # noqa: ANN401 - of any kind
    """Copy a task with other options, unchecked: Prefect's own way looks for the function's source, in 12 ms."""
    variant = object.__new__(Task)
    vars(variant).update(vars(task) | options)
    return variant
