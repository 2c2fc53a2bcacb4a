"""Sums and correction images as files, and where those of a group lie."""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from pydantic import model_validator

from tasks.core.decision import metadata_text
from tasks.core.errors import PixelError
from tasks.core.transforms import Metadata
from tasks.core.types import AnyArray
from tasks.core.work import Frozen, StageResult
from tasks.illumination.correction import Correction, corrected
from tasks.illumination.sums import FieldSum

INDEX = "sums.json"
CORRECTION, OFFSET = "correction.npy", "offset.json"


class FieldGroup(Frozen):
    """Fields that share a correction image: one group's, of one size.

    A camera's shading belongs to its whole frame, so fields of another size are corrected apart.
    """

    group: tuple[str, ...]
    height: int
    width: int

    @classmethod
    def of(cls, metadata: Metadata, *, group_by: Sequence[str], shape: tuple[int, int]) -> "FieldGroup":
        """Tell which fields an image belongs to, given its metadata and its height and width."""
        group = tuple(metadata_text(metadata.get(f"meta__{name}")) for name in group_by)
        return cls(group=group, height=shape[0], width=shape[1])

    def __str__(self) -> str:
        group = f"group {', '.join(self.group)!r}, " if self.group else ""
        return f"{group}{self.height}×{self.width} px"


class StoredSum(Frozen):
    """A sum of fields in a file of the same folder."""

    group: FieldGroup
    images: int
    downscale: int
    least: int
    file: str


class SumIndex(Frozen):
    """The sums in a folder."""

    sums: tuple[StoredSum, ...]

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if len({total.group for total in self.sums}) != len(self.sums):
            raise ValueError("a group of fields is listed twice")
        return self


def read_index(folder: Path) -> SumIndex:
    """Tell which sums lie in a folder."""
    return SumIndex.model_validate_json((folder / INDEX).read_text(encoding="utf-8"))


def write_sums(folder: Path, sums: Iterable[tuple[FieldGroup, FieldSum]]) -> None:
    """Write sums one by one, so that no more than one need be in memory."""
    stored = []
    for number, (group, light) in enumerate(sums):
        facts = {"images": light.images, "downscale": light.downscale, "least": light.least}
        stored.append(StoredSum(group=group, file=f"{number}.npy", **facts))
        np.save(folder / stored[-1].file, light.totals)
    (folder / INDEX).write_text(SumIndex(sums=tuple(stored)).model_dump_json(), encoding="utf-8")


def read_sum(folder: Path, stored: StoredSum) -> FieldSum:
    """Open a sum; its pixels are read when they are needed."""
    return FieldSum(
        totals=np.load(folder / stored.file, mmap_mode="r", allow_pickle=False),
        images=stored.images,
        shape=(stored.group.height, stored.group.width),
        downscale=stored.downscale,
        least=stored.least,
    )


def sums_of(folders: Sequence[Path]) -> dict[FieldGroup, list[FieldSum]]:
    """Open the sums in several folders, group by group in the order of the groups."""
    sums: dict[FieldGroup, list[FieldSum]] = {}
    for folder in folders:
        for stored in read_index(folder).sums:
            sums.setdefault(stored.group, []).append(read_sum(folder, stored))
    return {group: sums[group] for group in sorted(sums, key=lambda group: (group.group, group.height, group.width))}


def read_offset(folder: Path) -> float:
    """Read the gray level of no light that belongs to the correction image of a folder."""
    return float(json.loads((folder / OFFSET).read_text(encoding="utf-8")))


class CorrectionStore(Frozen):
    """The correction images of a run: the step that divides fields by them.

    Parameters
    ----------
    group_by
        Metadata whose values make groups.
    images
        What holds the correction image of each group of fields.
    """

    group_by: tuple[str, ...]
    images: tuple[tuple[FieldGroup, StageResult], ...]
    stage: ClassVar[str] = "illumination"

    def open(self) -> Callable[[AnyArray, Metadata], AnyArray]:
        """Return a function that corrects fields; each correction image is opened once.

        It raises a `PixelError` where there is none for a field's group and size.
        """
        results = dict(self.images)

        @cache
        def correction(group: FieldGroup) -> tuple[Correction, float]:
            if group not in results:
                raise PixelError(f"has no correction image: illumination was not estimated for {group}")
            folder = Path(results[group].folder)
            return np.load(folder / CORRECTION, mmap_mode="r", allow_pickle=False), read_offset(folder)

        def correct(image: AnyArray, metadata: Metadata) -> AnyArray:
            group = FieldGroup.of(metadata, group_by=self.group_by, shape=(image.shape[1], image.shape[2]))
            image_of_light, offset = correction(group)
            return corrected(image, image_of_light, offset=offset)

        return correct
