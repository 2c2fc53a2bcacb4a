"""How the kernels are compiled: without the interpreter's lock, and kept on disk for the next process."""

import hashlib
import os
from collections.abc import Callable, Mapping
from functools import cache, cached_property, update_wrapper
from pathlib import Path
from threading import RLock
from typing import Any, Generic, ParamSpec, TypeVar, cast

import numpy as np

from tasks.core.user_cache import cache_root

P = ParamSpec("P")
R = TypeVar("R")

CORE = Path(__file__).resolve().parent


def sources_digest(folder: Path) -> str:
    """Digest of the kernels in a folder and of those that all stages share.

    Numba notices that the file of a function has changed, not that a function which it calls from another file has. The
    digest names the folder of compiled code, so that no change of a kernel leaves stale machine code behind.
    """
    digest = hashlib.sha256()
    for path in sorted({*CORE.rglob("*.py"), *folder.rglob("*.py")}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@cache
def cache_folder(folder: Path) -> Path:
    """Where the compiled code of a folder's kernels is kept.

    ``NUMBA_CACHE_DIR`` where it is set, else beside the sources, else, where that cannot be written, the user's cache.
    """
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        base = Path(chosen)
    elif os.access(folder, os.W_OK):
        base = folder / "__pycache__"
    else:
        base = cache_root()
    return base / f"kernels-{sources_digest(folder)}"


DECORATING = RLock()
"""Held while numba looks for the folder of a kernel's compiled code, which it takes from a setting of the process."""


class _Kernel(Generic[P, R]):
    """A function that is compiled when it is first called, from Python or by another kernel.

    Until then not even the compiler is imported, which takes half a second with all kernels of the project.
    """

    def __init__(self, function: Callable[P, R], *, options: Mapping[str, Any], cached: bool) -> None:
        update_wrapper(self, function)
        self._function = function
        self._options = options
        self._cached = cached

    def __call__(self, *args: P.args, **named: P.kwargs) -> R:
        return cast("R", self._compiler(*args, **named))

    @property
    def _numba_type_(self) -> object:
        """What numba takes this object for where another kernel calls it."""
        return self._compiler._numba_type_

    @cached_property
    def _compiler(self) -> Any:  # noqa: ANN401 - numba's dispatcher, of which its types know nothing
        import numba

        if not self._cached:
            return numba.njit(error_model="numpy", **self._options)(self._function)
        config: Any = numba.core.config
        parents = Path(self._function.__code__.co_filename).resolve().parents
        folder = cache_folder(next(parent for parent in parents if parent.name == "kernels"))
        with DECORATING:
            before = config.CACHE_DIR
            config.CACHE_DIR = str(folder)
            try:
                return numba.njit(error_model="numpy", cache=True, **self._options)(self._function)
            finally:
                config.CACHE_DIR = before


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers and arrays when it is first called with their types.

    Floating-point operations keep their order, as in the plain code.
    """
    return _Kernel(function, options={"nogil": True, "no_cfunc_wrapper": True}, cached=True)


def inner(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that only compiled functions call.

    It has no entrance from Python, and it is not kept on disk: the functions that call it are, and hold its code. Both
    would take a third of the time of compiling.
    """
    return _inner(function, fastmath=False)


def reduction(function: Callable[P, R]) -> Callable[P, R]:
    """Compile an `inner` function that may sum in any order, and so several values at a time; they must be finite."""
    return _inner(function, fastmath={"reassoc", "nsz", "nnan"})


def any_order(function: Callable[P, R]) -> Callable[P, R]:
    """Compile an `inner` function that may sum in any order, of whatever values, NaN among them."""
    return _inner(function, fastmath={"reassoc", "nsz"})


def _inner(function: Callable[P, R], *, fastmath: bool | set[str]) -> Callable[P, R]:
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "fastmath": fastmath}
    return _Kernel(function, options=options, cached=False)


def constant(value: int) -> int:
    """Return a whole number that compiled functions may be called with.

    For every literal number in a call numba would compile the called function once more.
    """
    return cast("int", np.int64(value))


ZERO = constant(0)
"""What begins to count where the count is handed on."""
