"""Fields whose nuclei people, or a published pipeline, have outlined: what segmentation is judged by.

A data set is segmented with one configuration for all of its fields.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from scipy import ndimage
from scipy.cluster.hierarchy import fcluster, linkage

from tasks.core.types import AnyArray, LabelArray

ALIKE = 0.25
"""Fields whose background, median and brightest pixels differ by less, in powers of two, look alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NucleiField:
    """One field: its image (C, H, W), the nuclei's channel first, and its true nuclei (H, W)."""

    name: str
    image: AnyArray
    truth: LabelArray


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """Fields and what is known of all of them.

    Parameters
    ----------
    read
        Yields the fields of a folder.
    folder
        Under the folder of real images.
    classical
        Parameters of the method `watershed` for all of them.
    border
        What becomes of nuclei that touch the frame, as the truth has it.
    joined
        The truth is a mask in which nuclei that touch are one, so that predicted ones are joined as well.
    """

    folder: str
    read: Callable[[Path], Iterator[NucleiField]]
    classical: Mapping[str, Any]
    border: str = "keep"
    joined: bool = False


def is_validation(name: str) -> bool:
    """Whether a field of `seg_dsb2018_train` is kept apart from all training: a sixth of them, by their names."""
    return int(name, 16) % 6 == 0


def looks(images: Mapping[str, AnyArray]) -> dict[str, int]:
    """Give a number to each look: fields of one size, linked over others by differences below `ALIKE`.

    Crops of one acquisition share a look, though not every look is one acquisition.
    """
    sizes = sorted({image.shape for image in images.values()})
    result: dict[str, int] = {}
    for size in sizes:
        names = [name for name, image in images.items() if image.shape == size]
        levels = np.log2([np.quantile(images[name], [0.01, 0.5, 0.99]) + 1 for name in names])
        groups = np.ones(1, dtype=int)
        if len(names) > 1:
            groups = fcluster(linkage(levels, "single", metric="chebyshev"), ALIKE, "distance")
        first = max(result.values(), default=0)
        result |= {name: first + int(group) for name, group in zip(names, groups, strict=True)}
    return result


def _read_pairs(folder: Path) -> Iterator[NucleiField]:
    for path in sorted((folder / "images").iterdir()):
        yield NucleiField(
            name=path.stem,
            image=tifffile.imread(path)[np.newaxis],
            truth=tifffile.imread(folder / "labels" / path.name).astype(np.int32),
        )


def _read_validation(folder: Path) -> Iterator[NucleiField]:
    return (field for field in _read_pairs(folder) if is_validation(field.name))


def _read_training(folder: Path) -> Iterator[NucleiField]:
    return (field for field in _read_pairs(folder) if not is_validation(field.name))


def _read_stardist(folder: Path) -> Iterator[NucleiField]:
    truth = tifffile.imread(folder / "mask2d.tif").astype(np.int32)
    yield NucleiField(name="img2d", image=tifffile.imread(folder / "img2d.tif")[np.newaxis], truth=truth)


def _read_nf1(folder: Path) -> Iterator[NucleiField]:
    """Yield the wells, DAPI, GFP and RFP; nuclei that touch are one in these masks."""
    for mask in sorted((folder / "masks").glob("*_MaskNuclei.tiff")):
        well, site = mask.name.split("_")[0], mask.name.split("_")[3]
        planes = [f"{well}_01_{k}_{site}_{stain}_001.tif" for k, stain in ((1, "DAPI"), (2, "GFP"), (3, "RFP"))]
        image = np.stack([tifffile.imread(folder / "images" / plane) for plane in planes])
        yield NucleiField(name=well, image=image, truth=ndimage.label(tifffile.imread(mask) > 0)[0])


DSB2018: dict[str, Any] = {
    "diameter": 20, "min_diameter": 5, "sigma": 0.7, "threshold_correction": 0.7, "local_contrast": 0.9,
}  # fmt: skip
"""Chosen on `seg_dsb2018`, with the first version of the method."""

DATA_SETS: dict[str, DataSet] = {
    "validation": DataSet(folder="seg_dsb2018_train", read=_read_validation, classical=DSB2018),
    "training": DataSet(folder="seg_dsb2018_train", read=_read_training, classical=DSB2018),
    "seg_dsb2018": DataSet(folder="seg_dsb2018", read=_read_pairs, classical=DSB2018),
    "seg_stardist2d": DataSet(folder="seg_stardist2d", read=_read_stardist, classical=DSB2018),
    "hcs_nf1": DataSet(folder="hcs_nf1", read=_read_nf1, classical={"diameter": 50}, border="primary", joined=True),
}
