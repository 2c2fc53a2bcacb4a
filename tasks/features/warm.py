"""Compile the kernels before they are needed, or load what an earlier process has compiled."""

from collections.abc import Collection

import numpy as np

import tasks.features.scip
import tasks.features.standard  # noqa: F401 - both imports register the families
from tasks.core.types import Batch, Ragged, Region
from tasks.features.family import Profile, families_of


def warm(profile: Profile, *, names: Collection[str] | None = None) -> None:
    """Make compiled families of a profile ready, for all types of pixels.

    A worker calls it once when it starts: what is compiled inside a task is counted as the task's time, and again by
    every worker of a node at once. The first call on a machine takes about a minute, later ones a second, from disk.

    Parameters
    ----------
    profile
        ``standard`` or ``scip``.
    names
        Names of the families; left out: all but the optional ones.
    """
    mask = np.zeros((2, 12, 11), dtype=np.bool_)
    mask[:, 2:9, 3:8] = True
    for kind in (np.uint16, np.float64):
        pixels = np.arange(mask.size, dtype=kind).reshape(mask.shape)
        batch = Batch.of([pixels], channels=("a", "b"))
        background = np.zeros((1, 2))
        own = Region(name="own", shared=False, masks=Ragged.of([mask]), background=background)
        shared = Region(name="all", shared=True, masks=Ragged.of([mask[:1]]), background=background)
        for family in families_of(profile).values():
            wanted = not family.optional if names is None else family.name in names
            if wanted and family.plain is not None:
                family.measure(batch, shared)
                if not family.frame:
                    family.measure(batch, own)
