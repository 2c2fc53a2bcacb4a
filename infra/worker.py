"""What a worker process of this machine does first; Dask loads this module into it."""

import signal

from distributed import Worker


def dask_setup(worker: Worker) -> None:
    """Let the worker end with its parent only.

    A terminal sends Ctrl-C to every process of a command. The one that was started stops its workers in good order.
    """
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
