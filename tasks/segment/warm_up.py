"""Compile the kernels of segmentation before they are needed, or load what an earlier process has compiled."""

from collections.abc import Callable, Collection

import numpy as np

from tasks.core.kernels.compile_lock import compile_once_per_host
from tasks.core.types import AnyArray

DTYPES = (np.uint8, np.uint16, np.float64)
"""Those of which pixels are read as they are; others become float64."""


def jobs(methods: Collection[str] | None = None) -> dict[str, Callable[[], None]]:
    """List what makes some methods ready, with all that comes after a method.

    Parameters
    ----------
    methods
        Names of methods; those that are not compiled need nothing of their own. None stands for all.
    """
    needed = {"watershed": _watershed, "seeded_watershed": _seeded_watershed}
    chosen = {f"segment-{name}": job for name, job in needed.items() if methods is None or name in methods}
    return {"segment-labels": _labels, **chosen}


def warm_up(methods: Collection[str] | None = None) -> None:
    """Make methods ready; the parameter is that of `jobs`.

    A worker does so once when it starts: what is compiled inside a task is counted as the task's time. The first call
    on a machine takes half a minute of a processor, later ones less than a second. Processes that start together share
    the work.
    """
    compile_once_per_host(jobs(methods))


def _field(dtype: type[np.generic]) -> AnyArray:
    """(1, 32, 32): a square with a hole, on a slope."""
    image = np.add.outer(np.arange(32), np.arange(32)) / 8
    image[8:24, 8:24] += 100
    image[15, 15] = 0
    return image.astype(dtype)[np.newaxis]


def _labels() -> None:
    from tasks.segment import cpu

    labels = np.eye(4, dtype=np.int32)
    cpu.fill_holes(cpu.largest_pieces(cpu.relabel(cpu.raster_order(labels), numbers=cpu.areas(labels))))


def _watershed() -> None:
    from tasks.segment.methods.watershed import Watershed, watershed

    config = Watershed(name="nucleus", channel="DNA", min_contrast=1e-9)
    for dtype in DTYPES:
        watershed(_field(dtype), labels={}, config=config, channels=["DNA"])
    plain_label = config.model_copy(update={"declump": "none"})
    watershed(_field(np.uint8), labels={}, config=plain_label, channels=["DNA"])


def _seeded_watershed() -> None:
    from tasks.segment.methods.seeded_watershed import SeededWatershed, seeded_watershed

    config = SeededWatershed(name="cell", channel="DNA", seeds="nucleus", max_distance=9)
    seeds = np.zeros((32, 32), dtype=np.int32)
    seeds[10:12, 10:12] = 1
    for dtype in DTYPES:
        seeded_watershed(_field(dtype), labels={"nucleus": seeds}, config=config, channels=["DNA"])
