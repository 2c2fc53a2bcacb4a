"""Several processes of a machine compile together: each takes what no other one is compiling."""

from collections.abc import Callable, Mapping

from filelock import FileLock, Timeout

from tasks.core.kernels.compiled import CORE, cache_folder


def compile_once_per_host(jobs: Mapping[str, Callable[[], object]]) -> None:
    """Do all jobs, first those that no other process is doing.

    What another process has compiled meanwhile is read from its files, so that workers which start together share the
    work instead of doing all of it each.

    Parameters
    ----------
    jobs
        What to do, by names that are the same in every process.
    """
    folder = cache_folder(CORE)
    folder.mkdir(parents=True, exist_ok=True)
    locked: dict[str, Callable[[], object]] = {}
    for name, job in jobs.items():
        try:
            with FileLock(folder / f"{name}.lock", timeout=0):
                job()
        except Timeout:
            locked[name] = job
    for name, job in locked.items():
        with FileLock(folder / f"{name}.lock"):
            job()
