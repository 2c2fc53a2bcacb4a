"""A folder whose files are replaced all at once; what others put into it moves along."""

import ctypes
import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from tasks.core.errors import RunError
from tasks.core.storage import flush, flush_all, is_leftover
from tasks.core.storage_errors import storage_errors

AT_FDCWD = -100
RENAME_EXCHANGE = 2
"""Of linux/fcntl.h and linux/fs.h."""

REFUSED = frozenset((errno.ENOSYS, errno.EINVAL, errno.ENOTSUP))
"""A kernel or a file system that cannot exchange names."""

LEFT = re.compile(r"\.(.+)\.[0-9a-f]{32}\.(tmp|old)")
"""Name of a folder that an exchange that was killed left beside the one in its first group."""

Owns = Callable[[Path], bool]
"""Whether a file, or a folder with all that is in it, is this program's own."""


def everything(path: Path) -> bool:
    """Own all that is in a store, a folder that is one thing."""
    del path
    return True


@contextmanager
def exchanged_folder(path: Path, *, owns: Owns) -> Iterator[Path]:
    """Yield a folder beside `path` that takes its place when the block ends well, and is removed otherwise.

    Linux exchanges the two by one rename, so that readers see all old files or all new ones. Elsewhere, and on file
    systems that cannot, there is no `path` between two renames; `restore_folder` mends what a kill leaves in between.
    Files must be written into the folder by `atomic`: there a file with a name of its own is whole.

    Parameters
    ----------
    path
        A folder, or a link to one; it need not exist.
    owns
        Which of its files and folders are replaced. All others are moved into the new folder, by their names.

    Raises
    ------
    RunError
        There is a file of that name, or the disk is full, read-only or gone.
    """
    path = path.resolve()  # a link stays, what it names is exchanged
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} is in the way: expected a folder; move it, or choose another --output, and run again")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        restore_folder(path, owns=owns)
        fresh = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
        fresh.mkdir()
        try:
            _let_in_the_same(fresh, path)
            yield fresh
            flush_all(fresh)
            _exchange(fresh, path)
        except BaseException:
            with suppress(OSError):  # the next run does it
                _dissolve(fresh, into=path, owns=owns)
            raise
        flush(path.parent)
        if fresh.exists():  # it holds the old files now
            _dissolve(fresh, into=path, owns=owns)
            flush(path)


def restore_stores(parent: Path) -> None:
    """Mend what killed exchanges of the stores in a folder left."""
    matches = (LEFT.fullmatch(folder.name) for folder in sorted(parent.glob(".*")) if folder.is_dir())
    for name in dict.fromkeys(match[1] for match in matches if match):
        restore_folder(parent / name, owns=everything)


def restore_folder(path: Path, *, owns: Owns) -> None:
    """Mend what a killed `exchanged_folder` left: the folder is there, with all files of others, and nothing beside."""
    path = path.resolve()
    siblings = ((folder, LEFT.fullmatch(folder.name)) for folder in path.parent.glob(".*") if folder.is_dir())
    left = sorted(folder for folder, match in siblings if match and match[1] == path.name)
    for folder in [aside for aside in left if aside.suffix == ".old" and not aside.is_symlink()]:
        if not path.exists():
            folder.rename(path)
    for folder in left:
        if folder.is_dir() and not folder.is_symlink():
            _dissolve(folder, into=path, owns=owns)


def _let_in_the_same(fresh: Path, path: Path) -> None:
    """Give a folder the group and the permissions of the one whose place it takes."""
    if path.exists():
        status = path.stat()
        if status.st_gid != fresh.stat().st_gid:
            with suppress(OSError):  # a group that this user is not in
                os.chown(fresh, -1, status.st_gid)
        fresh.chmod(stat.S_IMODE(status.st_mode))  # after the group, which would take a set-group bit away


def _exchange(fresh: Path, path: Path) -> None:
    """Let two folders change names; where there is no second one, the first takes its name."""
    if not path.exists():
        fresh.rename(path)
    elif not _exchange_at_once(fresh, path):
        aside = fresh.with_suffix(".old")
        path.rename(aside)
        try:
            fresh.rename(path)
        except OSError:
            aside.rename(path)
            raise
        aside.rename(fresh)


def _exchange_at_once(path: Path, other: Path) -> bool:
    """Exchange two names by one system call; whether kernel, C library and file system can."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):  # of a system without it, and of Windows
        return False
    if renameat2(AT_FDCWD, os.fsencode(path), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in REFUSED:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _dissolve(folder: Path, *, into: Path, owns: Owns) -> None:
    """Remove a folder with our files; what others put there moves, unless something has its name there, too."""
    for entry in sorted(folder.iterdir()):
        ours = not entry.is_symlink() and (owns(entry) or is_leftover(entry))
        if ours and entry.is_dir():
            shutil.rmtree(entry)
        elif ours:
            entry.unlink()
        elif not os.path.lexists(into / entry.name):
            into.mkdir(exist_ok=True)
            entry.rename(into / entry.name)
    with suppress(OSError):  # something could not move, and stays
        folder.rmdir()
