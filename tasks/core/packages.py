"""Packages of others that offer parts: whose code a part is, and in which version."""

import sys
from functools import lru_cache
from importlib.metadata import entry_points

GROUPS = "scip_flows."
"""How the groups of entry points begin under which packages offer parts."""

Versions = dict[str, str]
"""Version by name of a package."""


def offering_packages() -> Versions:
    """Return the installed packages that offer any part."""
    return dict(sorted({point for points in _by_root(tuple(sys.path)).values() for point in points}))


def offered_by(module: str) -> Versions:
    """Return the packages that a module may be of, which offer parts; none for this program's own.

    Several only where they share the name before the first dot. They are those of the search path as it is.

    Examples
    --------
    >>> offered_by("tasks.mask.methods.circle")
    {}
    """
    return dict(_by_root(tuple(sys.path)).get(module.partition(".")[0], ()))


@lru_cache(maxsize=8)
def _by_root(path: tuple[str, ...]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Name and version of packages by the first name of the modules that they offer; to look takes 20 ms."""
    del path
    found: dict[str, set[tuple[str, str]]] = {}
    for point in entry_points():
        if point.group.startswith(GROUPS) and point.dist is not None:
            found.setdefault(point.module.partition(".")[0], set()).add((point.dist.name, point.dist.version))
    return {root: tuple(sorted(packages)) for root, packages in found.items()}
