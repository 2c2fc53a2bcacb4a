"""What a worker process of this machine does first; Dask loads this module into it."""

import os
import signal

from distributed import Worker

from tasks.core.work import WORKER


def dask_setup(worker: Worker) -> None:
    """Let results name the worker, and let it end with its parent only.

    A terminal sends Ctrl-C, and a batch system SIGTERM, to every process of a command. The one that was started stops
    its workers in good order; it would wait for those that ended by themselves.
    """
    os.environ[WORKER] = str(worker.name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
