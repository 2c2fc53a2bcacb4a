"""Compiled code is made ready on every worker as it starts, so that no task is held up by a compiler."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from distributed import Client, Worker, WorkerPlugin
from distributed.comm import CommClosedError

from flows.config import Config
from flows.engine.stage import Job
from tasks.core.kernels.compile_lock import compile_once_per_host

ATTEMPTS = 4
"""How often the workers are told to get ready, where one dies of those that do."""


class WarmKernels(WorkerPlugin):
    """Compiles what a run needs, or loads what an earlier one has compiled; a worker runs no task before that.

    Parameters
    ----------
    kernels
        What each stage needs.
    """

    name = "scip-flows-kernels"

    def __init__(self, kernels: Sequence[Callable[[Config], Mapping[str, Job]]], *, config: Config) -> None:
        self._kernels = list(kernels)
        self._config = config

    async def setup(self, worker: Worker) -> None:
        """Compile beside the worker's event loop, which has to answer the scheduler meanwhile."""
        del worker
        await asyncio.to_thread(self.compile)

    def compile(self) -> None:
        """Compile in this process; what another one of this machine compiles is read from its files."""
        compile_once_per_host({name: job for kernels in self._kernels for name, job in kernels(self._config).items()})


def prepare_workers(client: Client, kernels: WarmKernels) -> None:
    """Have all workers, and those that come later, make kernels ready, whichever of them dies meanwhile.

    Raises
    ------
    CommClosedError
        The scheduler is gone, or workers die each time.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            client.register_plugin(kernels)
        except CommClosedError:  # to a worker: the others are ready, its successor is about to be
            continue
        return
    client.register_plugin(kernels)
