"""Compile the kernels before they are needed, or load what an earlier process has compiled."""

from collections.abc import Callable, Collection
from functools import partial

import numpy as np

from tasks.core.types import Batch, Ragged, Region
from tasks.features.family import Family, Profile, families_of


def jobs(profile: Profile, families: Collection[str] | None = None) -> dict[str, Callable[[], None]]:
    """List what makes compiled families of a profile ready.

    Parameters
    ----------
    profile
        ``standard`` or ``scip``.
    families
        Names of families; those that are not compiled need nothing. None stands for all of the profile.
    """
    return {
        f"features-{profile}-{family.name}": partial(_measure, family)
        for family in families_of(profile).values()
        if family.plain is not None and (families is None or family.name in families)
    }


def warm_up(profile: Profile, families: Collection[str] | None = None) -> None:
    """Make compiled families ready; the parameters are those of `jobs`.

    A worker does so once when it starts, with what its run measures: what is compiled inside a task is counted as the
    task's time. The first call on a machine takes about 45 s of a processor for shape, intensity and texture together,
    and once for both profiles; later ones a second, from disk. Processes that start together share the work.
    """
    from tasks.core.kernels.compile_lock import compile_once_per_host

    compile_once_per_host(jobs(profile, families))


def _measure(family: Family) -> None:
    """Measure a small cell of each type of pixels."""
    from tasks.core.crop import crop_cells

    mask = np.zeros((2, 12, 11), dtype=np.bool_)
    mask[:, 2:9, 3:8] = True
    own = Region(name="own", shared=False, masks=Ragged.of([mask]), background=np.zeros((1, 2)))
    for kind in (np.uint16, np.float64):
        image = np.arange(mask.size, dtype=kind).reshape(mask.shape)
        batch, (cell,) = crop_cells(image, labels={"cell": mask[0].astype(np.int32)}, numbers=[1], channels=("a", "b"))
        family.measure(batch, cell)
        if not family.frame and not family.field:
            family.measure(Batch.of([image], channels=("a", "b")), own)
