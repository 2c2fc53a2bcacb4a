"""Kernels of a GPU compiled by finding the objects of a small field, before those of a field that counts."""

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from tasks.core.registry import Device
from tasks.core.types import AnyArray
from tasks.segment.placing import operations_for
from tasks.segment.registry import ObjectMethod, segmenters

SIDE = 64
"""Of the field, in pixels."""


def rehearse(config: ObjectMethod, *, device: Device) -> None:
    """Have a method find objects on a GPU, once in a process; on a processor, whose kernels are compiled, nothing.

    What is compiled is the text of tasks/segment/cuda, all at once, and what cupy makes for single pixels.

    Raises
    ------
    Exception
        Whatever keeps the method from it.
    """
    if device == "gpu":
        _rehearse(config)


@cache
def _rehearse(config: ObjectMethod) -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    disc = np.hypot(rows - SIDE // 2, columns - SIDE // 2) < SIDE // 4
    channels = [name for names in config.channels_by_key.values() for name in names]
    seeds = {name: disc.astype(np.int32) for name in config.references.values()}
    find: Callable[..., AnyArray] = partial(segmenters.function(config, device="gpu"), labels=seeds, config=config)
    labels = find(np.stack([rows + columns + 900 * disc] * len(channels)).astype(np.uint16), channels=channels)
    operations = operations_for(labels)
    ordered = operations.raster_order(labels)
    operations.at_frame(ordered)
    operations.to_host(operations.relabel(ordered, numbers=np.arange(int(ordered.max()) + 1)))
