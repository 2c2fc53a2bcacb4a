"""Compiled code is made ready on every worker as it starts, so that no task is held up by a compiler."""

import asyncio
from collections.abc import Callable

from distributed import Client, Worker, WorkerPlugin

from flows.config import Config
from flows.progress import Progress
from tasks.core.kernels.turns import in_turns
from tasks.features.warm import jobs as feature_jobs
from tasks.illumination.warm import jobs as illumination_jobs
from tasks.mask.warm import jobs as mask_jobs

STAGE = "kernels"


class WarmKernels(WorkerPlugin):
    """Compiles what a run needs, or loads what an earlier one has compiled; a worker runs no task before that."""

    name = "scip-flows-kernels"

    def __init__(self, config: Config) -> None:
        self._config = config

    async def setup(self, worker: Worker) -> None:
        """Compile beside the worker's event loop, which has to answer the scheduler meanwhile."""
        del worker
        await asyncio.to_thread(self._warm)

    def _warm(self) -> None:
        config = self._config
        wanted: dict[str, Callable[[], object]] = {**illumination_jobs(config.illumination)}
        wanted |= feature_jobs(config.features.profile, [family.name for family in config.features.selected])
        if config.mask is not None:
            methods = [str(method.model_dump()["method"]) for method in config.mask.methods]
            wanted |= mask_jobs(methods, filters=bool(config.mask.channel_filter))
        in_turns(wanted)


def warm_workers(client: Client, *, config: Config, progress: Progress) -> None:
    """Make the kernels ready on all workers, and on those that join later."""
    with progress.stage(STAGE, total=1) as counter:
        client.register_plugin(WarmKernels(config))
        counter.advance()
