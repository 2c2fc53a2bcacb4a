"""Compile the kernels of masks before they are needed, or load what an earlier process has compiled."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

import tasks.mask.filters
import tasks.mask.methods  # noqa: F401 - both imports register the plug-ins
from tasks.core.types import Batch
from tasks.mask.config import Mask
from tasks.mask.registry import MaskMethod
from tasks.mask.stage import mask_batch

CHANNEL = "a"
FILTERS = [{"method": "std", "threshold": 0}]
"""One is enough: all look at what the same kernel measures."""


def warm(
    methods: Sequence[MaskMethod | str] = ("li", "otsu", "watershed", "spot", "circle"),
    *,
    dtypes: Sequence[npt.DTypeLike] = (np.uint16, np.float64),
) -> None:
    """Make the kernels of some mask methods ready, with all that comes before and after a method.

    A worker calls it once when it starts: what is compiled inside a task is counted as the task's time, and again by
    every worker of a node at once. The first call on a machine takes up to a minute, later ones less than a second.

    Parameters
    ----------
    methods
        Those of the configuration, ``config.methods``, or their names.
    dtypes
        Types of pixels. The kernels themselves know float64 only.
    """
    config = Mask.model_validate({"methods": list(methods), "main_channel": CHANNEL, "channel_filter": FILTERS})
    image = np.zeros((1, 24, 23))
    image[0, 6:18, 5:17] = 40 + np.arange(144).reshape(12, 12)
    for dtype in dtypes:
        mask_batch(Batch.of([image.astype(dtype)], channels=[CHANNEL]), config=config)
