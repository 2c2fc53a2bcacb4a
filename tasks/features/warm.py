"""Compile the kernels before they are needed, or load what an earlier process has compiled."""

from collections.abc import Collection

import numpy as np

import tasks.features.scip
import tasks.features.standard  # noqa: F401 - both imports register the families
from tasks.core.cutout import cut_out
from tasks.core.types import Batch, Ragged, Region
from tasks.features.family import Profile, families_of


def warm(profile: Profile, families: Collection[str] | None = None) -> None:
    """Make compiled families of a profile ready, for all types of pixels.

    A worker calls it once when it starts, with what its run measures: what is compiled inside a task is counted as the
    task's time, and again by every worker of a node at once. The first call on a machine takes about 45 s of a
    processor for shape, intensity and texture together, and once for both profiles; later ones a second, from disk.

    Parameters
    ----------
    profile
        ``standard`` or ``scip``.
    families
        Names of families; those that are not compiled need nothing. None stands for all of the profile.
    """
    mask = np.zeros((2, 12, 11), dtype=np.bool_)
    mask[:, 2:9, 3:8] = True
    background = np.zeros((1, 2))
    own = Region(name="own", shared=False, masks=Ragged.of([mask]), background=background)
    shared = Region(name="all", shared=True, masks=Ragged.of([mask[:1]]), background=background)
    objects = np.zeros(mask.shape[1:], dtype=np.int32)
    objects[2:9, 3:8] = 1
    wanted = [family for family in families_of(profile).values() if families is None or family.name in families]
    for kind in (np.uint16, np.float64):
        batch = Batch.of([np.arange(mask.size, dtype=kind).reshape(mask.shape)], channels=("a", "b"))
        cut_out(batch.pixels.unstack()[0], labels={"all": objects}, numbers=[1], channels=batch.channels)
        for family in wanted:
            if family.plain is not None:
                family.measure(batch, shared)
                if not family.frame:
                    family.measure(batch, own)
