"""Compile the kernels of masks before they are needed, or load what an earlier process has compiled."""

from collections.abc import Callable, Collection
from functools import partial

import numpy as np

from tasks.core.kernels.compile_lock import compile_once_per_host
from tasks.core.types import Batch
from tasks.mask.config import Mask
from tasks.mask.registry import masks
from tasks.mask.stage import mask_batch

CHANNEL = "a"
FILTERS = [{"method": "std", "threshold": 0}]
"""One is enough: all look at what the same kernel measures."""


def jobs(methods: Collection[str] | None = None, *, filters: bool = True) -> dict[str, Callable[[], None]]:
    """List what makes some mask methods ready, with all that comes before and after a method.

    Parameters
    ----------
    methods
        Names of methods; those that are not compiled need nothing of their own. None stands for all.
    filters
        Whether channel filters are needed.
    """
    compiled = [name for name in (masks.names if methods is None else methods) if masks[name].plain is not None]
    jobs: dict[str, Callable[[], None]] = {f"mask-{name}": partial(_mask, name, filters=[]) for name in compiled}
    # what comes before and after a method is compiled with the one that has nothing to compile itself
    around = partial(_mask, "circle", filters=FILTERS if filters else [])
    return jobs | {"mask-filters" if filters else "mask-border": around}


def warm_up(methods: Collection[str] | None = None, *, filters: bool = True) -> None:
    """Make mask methods ready; the parameters are those of `jobs`.

    A worker does so once when it starts: what is compiled inside a task is counted as the task's time. The first call
    on a machine takes up to a minute and a half of a processor, later ones less than a second. Processes that start
    together share the work.
    """
    compile_once_per_host(jobs(methods, filters=filters))


def _mask(method: str, *, filters: list[dict[str, object]]) -> None:
    """Mask a small stamp of both kinds of pixels."""
    config = Mask.model_validate({"methods": [method], "main_channel": CHANNEL, "channel_filter": filters})
    image = np.zeros((1, 24, 23))
    image[0, 6:18, 5:17] = 40 + np.arange(144).reshape(12, 12)
    for dtype in (np.uint16, np.float64):
        mask_batch(Batch.of([image.astype(dtype)], channels=[CHANNEL]), config=config)
