"""Run cp_measure 0.3 on a few cells and keep what it finds as a test fixture.

Run with the Python of `peer_environments.sh`; the real cells are read from the folder of test images::

    .envs/cp/bin/python benchmarks/cp_oracle.py [--data DIR] [--output DIR]

`cp_measure.npz` is written; `tests/oracle/fixtures/README.md` is its layout. Cells: 4 nuclei of a Cell Painting field
(`hcs_nf1`, 3 channels), and 6 generated ones.
"""

import argparse
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from cp_measure.bulk import get_core_measurements, get_correlation_measurements
from cp_measure.core.measurecolocalization import get_correlation_overlap, linear_costes
from cp_measure.multimask.measureobjectneighbors import measureobjectneighbors
from scipy import ndimage

SEED = 20221101
CHANNELS, NUCLEI = 3, 4
SCALE = 65535
PAIRS = ((0, 1), (0, 2), (1, 2))
SHAPE = ("sizeshape", "feret", "zernike")
INTENSITY = ("intensity", "texture", "radial_distribution", "radial_zernikes")
ROOT = Path(__file__).resolve().parent.parent

DRAWINGS = ("plain", 48, 15), ("plain", 60, 17), ("long", 56, 14), ("hole", 52, 17), ("bent", 60, 20), ("small", 18, 4)
"""Trait, side and radius of each generated cell."""

Array = npt.NDArray[Any]
Cell = tuple[str, Array, Array]
"""Trait, pixels (C, H, W) uint16, mask (H, W) bool."""


def real_cells(data: Path) -> Iterator[Cell]:
    """Cut nuclei that do not touch the frame out of a field, with 3 px of surroundings."""
    folder = data / "hcs_nf1"
    stains = ("1_1_DAPI", "2_1_GFP", "3_1_RFP")
    image = np.stack([tifffile.imread(folder / "images" / f"D7_01_{stain}_001.tif") for stain in stains])
    nuclei = tifffile.imread(folder / "masks" / "D7_01_1_1_DAPI_001_MaskNuclei.tiff") > 0
    labels, _ = ndimage.label(nuclei, np.ones((3, 3)))
    taken = 0
    for label, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        top, left, bottom, right = rows.start - 3, columns.start - 3, rows.stop + 3, columns.stop + 3
        inside = top >= 0 and left >= 0 and bottom <= labels.shape[0] and right <= labels.shape[1]
        if not inside or (labels == label).sum() > 4000 or taken == NUCLEI:
            continue
        window = (slice(top, bottom), slice(left, right))
        yield f"hcs_nf1 D7 nucleus {label}", image[:, *window], labels[window] == label
        taken += 1


def generated_cells() -> Iterator[Cell]:
    """Draw uneven cells: plain ones, one with a hole, one that is bent, one of few pixels."""
    rng = np.random.default_rng(SEED)
    for trait, side, radius in DRAWINGS:
        rows, columns = np.mgrid[:side, :side] - side / 2
        grain = ndimage.gaussian_filter(rng.normal(size=(CHANNELS, side, side)), (0, 2, 2))
        grain /= grain.std()
        stretch = 1.5 if trait == "long" else 1.1
        distance = np.hypot(rows / stretch, columns * stretch + 0.3 * rows) / radius + 0.05 * grain[0]
        mask = distance < 1
        if trait == "hole":
            mask &= np.hypot(rows - 3, columns + 2) > 4.2
        if trait == "bent":
            mask &= np.hypot(rows, columns - 9) > 9.3
        labels, _ = ndimage.label(mask)
        mask = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
        common = grain[1] * np.array([1.0, 0.8, -0.4])[:, None, None] + grain * np.array([0.3, 0.5, 0.8])[:, None, None]
        light = 3000 + 30000 * np.exp(-((distance / 1.1) ** 2)) * (1 + 0.25 * common)
        light = light + rng.normal(scale=300, size=common.shape)
        yield f"generated {trait}", np.clip(np.rint(light), 0, SCALE).astype(np.uint16), mask


def generated_field() -> Array:
    """Draw a field of touching objects and of ones that stand apart."""
    rng = np.random.default_rng(SEED + 1)
    height, width, number = 150, 190, 40
    seeds = rng.uniform((6, 6), (height - 6, width - 6), size=(number, 2))
    rows, columns = np.mgrid[:height, :width]
    distances = np.hypot(rows[..., None] - seeds[:, 0], columns[..., None] - seeds[:, 1])
    labels = np.where(distances.min(axis=2) < 13, distances.argmin(axis=2) + 1, 0)
    for label in (3, 17):
        labels[labels == label] = 0
    return np.searchsorted(np.unique(labels), labels).astype(np.int32)


def only(measured: Mapping[str, Any]) -> tuple[list[str], list[float]]:
    """Names and values of the one object that was measured."""
    return list(measured), [float(np.asarray(value).ravel()[0]) for value in measured.values()]


def measure(cells: list[Cell]) -> dict[str, Array]:
    """Measure all families of all cells."""
    core, pairs = get_core_measurements(), get_correlation_measurements()
    families: dict[str, list[list[Any]]] = {}
    names: dict[str, list[str]] = {}

    def keep(family: str, results: list[tuple[list[str], list[float]]]) -> None:
        names[family] = results[0][0]
        if any(result[0] != names[family] for result in results):
            raise ValueError(f"{family}: cp_measure names its features differently from cell to cell")
        families.setdefault(family, []).append([result[1] for result in results])

    backgrounds, thresholds = [], []
    correlate = {name: pairs[name] for name in ("pearson", "manders_fold", "rwc")} | {
        "overlap": get_correlation_overlap
    }
    for _, counts, mask in cells:
        pixels, labels = counts / SCALE, mask.astype(np.int32)
        for family in SHAPE:
            keep(family, [only(core[family](labels, pixels[0]))])
        for family in INTENSITY:
            keep(family, [only(core[family](labels, plane.copy())) for plane in pixels])
        background = np.array([plane[~mask].mean() for plane in pixels])
        signals = np.where(mask, np.maximum(pixels - background[:, None, None], 0), 0)
        scale = {"subsample_size": 1, "image_sample_size": 1, "element_size": max(mask.shape)}
        keep("granularity", [only(core["granularity"](labels, signal, **scale)) for signal in signals])
        backgrounds.append(background)
        for name, function in correlate.items():
            keep(name, [only(function(pixels[a], pixels[b], labels)) for a, b in PAIRS])
        inside = [(pixels[a][mask], pixels[b][mask]) for a, b in PAIRS]
        limits = [linear_costes(None, None, x, y, SCALE, "Accurate") for x, y in inside]
        thresholds.append(limits)
        keep("costes", [(["C1", "C2"], above(*pair, *limit)) for pair, limit in zip(inside, limits, strict=True)])
    arrays = {"granularity.background": np.array(backgrounds), "costes.thresholds": np.array(thresholds)}
    for family, rows in families.items():
        values = np.array(rows, dtype=np.float64)
        arrays[f"{family}.values"] = values[:, 0] if family in SHAPE else values
        arrays[f"{family}.names"] = np.array(names[family])
    return arrays


def above(x: Array, y: Array, limit_x: float, limit_y: float) -> list[float]:
    """Parts of the intensities above two thresholds that lie above both; NaN where there are no thresholds."""
    if not np.isfinite([limit_x, limit_y]).all():
        return [np.nan, np.nan]
    both = (x > limit_x) & (y > limit_y)
    parts = ((x, limit_x), (y, limit_y))
    return [float(v[both].sum() / v[v > limit].sum()) if both.any() else 0.0 for v, limit in parts]


def main() -> None:
    """Write the fixture."""
    parser = argparse.ArgumentParser(description="Keep what cp_measure finds.")
    parser.add_argument("--data", type=Path, default=os.environ.get("SCIP_TEST_DATA", ROOT / ".." / "shared" / "data"))
    parser.add_argument("--output", type=Path, default=ROOT / "tests" / "oracle" / "fixtures")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    cells = [*real_cells(Path(options.data)), *generated_cells()]
    field = generated_field()
    touching = measureobjectneighbors(field, field, "Adjacent")
    np.savez_compressed(
        options.output / "cp_measure.npz",
        allow_pickle=False,
        shapes=np.array([mask.shape for _, _, mask in cells]),
        pixels=np.concatenate([pixels.ravel() for _, pixels, _ in cells]),
        masks=np.concatenate([mask.ravel() for _, _, mask in cells]),
        traits=np.array([trait for trait, _, _ in cells]),
        **measure(cells),
        **{
            "neighbors.labels": field,
            "neighbors.names": np.array(list(touching)),
            "neighbors.values": np.array(list(touching.values()), dtype=np.float64).T,
        },
    )
    print(f"{len(cells)} cells: {', '.join(trait for trait, _, _ in cells)}")


if __name__ == "__main__":
    main()
