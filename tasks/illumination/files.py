"""Sums and correction images as files, and where those of a group lie."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import model_validator

from tasks.core.digest import digest
from tasks.core.errors import PixelError
from tasks.core.types import AnyArray
from tasks.core.work import Frozen
from tasks.illumination.correction import Correction, corrected
from tasks.illumination.sums import LightSum

INDEX = "sums.json"
CORRECTION, OFFSET = "correction.npy", "offset.json"


class Lit(Frozen):
    """Fields that share a correction image: one group's, of one size.

    A camera's shading belongs to its whole frame, so fields of another size are corrected apart.
    """

    group: tuple[str, ...]
    height: int
    width: int

    def __str__(self) -> str:
        group = f"group {', '.join(self.group)!r}, " if self.group else ""
        return f"{group}{self.height}×{self.width} px"


class StoredSum(Frozen):
    """A sum of fields in a file of the same folder."""

    lit: Lit
    images: int
    downscale: int
    least: int
    file: str


class SumIndex(Frozen):
    """The sums in a folder."""

    sums: tuple[StoredSum, ...]

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if len({one.lit for one in self.sums}) != len(self.sums):
            raise ValueError("a group of fields is listed twice")
        return self


def read_index(folder: Path) -> SumIndex:
    """Tell which sums lie in a folder."""
    return SumIndex.model_validate_json((folder / INDEX).read_text(encoding="utf-8"))


def write_sums(folder: Path, sums: Iterator[tuple[Lit, LightSum]]) -> None:
    """Write sums one by one, so that no more than one need be in memory."""
    stored = []
    for number, (lit, light) in enumerate(sums):
        facts = {"images": light.images, "downscale": light.downscale, "least": light.least}
        stored.append(StoredSum(lit=lit, file=f"{number}.npy", **facts))
        np.save(folder / stored[-1].file, light.totals)
    (folder / INDEX).write_text(SumIndex(sums=tuple(stored)).model_dump_json(), encoding="utf-8")


def read_sum(folder: Path, stored: StoredSum) -> LightSum:
    """Open a sum; its pixels are read when they are needed."""
    return LightSum(
        totals=np.load(folder / stored.file, mmap_mode="r", allow_pickle=False),
        images=stored.images,
        shape=(stored.lit.height, stored.lit.width),
        downscale=stored.downscale,
        least=stored.least,
    )


def sums_of(folders: Sequence[Path]) -> dict[Lit, list[LightSum]]:
    """Open the sums in several folders, group by group in the order of the groups."""
    found: dict[Lit, list[LightSum]] = {}
    for folder in folders:
        for stored in read_index(folder).sums:
            found.setdefault(stored.lit, []).append(read_sum(folder, stored))
    return {lit: found[lit] for lit in sorted(found, key=lambda one: (one.group, one.height, one.width))}


class Corrections(Frozen):
    """Where the correction images of a run lie.

    Parameters
    ----------
    folder
        Folder of their folders.
    key
        Digest of all that they depend on.
    group_by
        Metadata whose values make groups.
    """

    folder: str
    key: str
    group_by: tuple[str, ...]

    def key_of(self, lit: Lit) -> str:
        """Digest that names the folder of one correction image."""
        return digest(self.key, lit)

    def path(self, lit: Lit) -> Path:
        """Name the file of one correction image."""
        return Path(self.folder) / self.key_of(lit) / CORRECTION

    def lit(self, meta: Mapping[str, str | None], *, shape: tuple[int, int]) -> Lit:
        """Tell which fields an image belongs to, given its metadata ``meta__<group>``."""
        group = tuple(meta.get(f"meta__{name}") or "" for name in self.group_by)
        return Lit(group=group, height=shape[0], width=shape[1])


def read_offset(folder: Path) -> float:
    """Read the gray level of no light that belongs to the correction image of a folder."""
    return float(json.loads((folder / OFFSET).read_text(encoding="utf-8")))


class Corrector:
    """Corrects fields; each correction image is opened once."""

    def __init__(self, corrections: Corrections) -> None:
        self._corrections = corrections
        self._known: dict[Lit, tuple[Correction, float] | None] = {}

    def __call__(self, image: AnyArray, meta: Mapping[str, str | None]) -> AnyArray:
        """Return the light of a field (C, H, W) divided by the correction image of its group.

        Raises
        ------
        PixelError
            There is none for its group and size.
        """
        lit = self._corrections.lit(meta, shape=(image.shape[1], image.shape[2]))
        if lit not in self._known:
            path = self._corrections.path(lit)
            known = (
                (np.load(path, mmap_mode="r", allow_pickle=False), read_offset(path.parent)) if path.exists() else None
            )
            self._known[lit] = known
        known = self._known[lit]
        if known is None:
            raise PixelError(f"has no correction image: illumination was not estimated for {lit}")
        return corrected(image, known[0], offset=known[1])
