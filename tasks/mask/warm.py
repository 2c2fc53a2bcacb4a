"""Compile the kernels of masks before they are needed, or load what an earlier process has compiled."""

from collections.abc import Callable, Collection
from functools import partial

import numpy as np

import tasks.mask.filters
import tasks.mask.methods  # noqa: F401 - both imports register the plug-ins
from tasks.core.kernels.turns import in_turns
from tasks.core.types import Batch
from tasks.mask.config import Mask
from tasks.mask.stage import mask_batch

CHANNEL = "a"
FILTERS = [{"method": "std", "threshold": 0}]
"""One is enough: all look at what the same kernel measures."""

METHODS = ("li", "otsu", "watershed", "spot", "circle")


def jobs(methods: Collection[str] = METHODS, *, filters: bool = True) -> dict[str, Callable[[], None]]:
    """List what makes some mask methods ready, with all that comes before and after a method.

    Parameters
    ----------
    methods
        Names of methods; those of other packages need nothing.
    filters
        Whether channel filters are needed.
    """
    wanted: dict[str, Callable[[], None]] = {
        f"mask-{method}": partial(_mask, method, filters=[]) for method in METHODS if method in methods
    }
    return wanted | ({"mask-filters": partial(_mask, "circle", filters=FILTERS)} if filters else {})


def warm(methods: Collection[str] = METHODS, *, filters: bool = True) -> None:
    """Make mask methods ready; the parameters are those of `jobs`.

    A worker does so once when it starts: what is compiled inside a task is counted as the task's time. The first call
    on a machine takes up to a minute and a half of a processor, later ones less than a second. Processes that start
    together share the work.
    """
    in_turns(jobs(methods, filters=filters))


def _mask(method: str, *, filters: list[dict[str, object]]) -> None:
    """Mask a small stamp of both kinds of pixels."""
    config = Mask.model_validate({"methods": [method], "main_channel": CHANNEL, "channel_filter": filters})
    image = np.zeros((1, 24, 23))
    image[0, 6:18, 5:17] = 40 + np.arange(144).reshape(12, 12)
    for dtype in (np.uint16, np.float64):
        mask_batch(Batch.of([image.astype(dtype)], channels=[CHANNEL]), config=config)
