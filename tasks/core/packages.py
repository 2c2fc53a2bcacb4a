"""Packages of others that offer parts: whose code a part is, and in which version."""

import sys
from functools import lru_cache
from importlib.metadata import distributions

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
    versions: Versions = {}
    found: dict[str, set[str]] = {}
    for package in distributions():
        own = {point.module.partition(".")[0] for point in package.entry_points if point.group.startswith(GROUPS)}
        if own and package.name not in versions:  # of two with one name the first is imported
            versions[package.name] = package.version
            for root in own:
                found.setdefault(root, set()).add(package.name)
    return {root: tuple((name, versions[name]) for name in sorted(names)) for root, names in found.items()}
