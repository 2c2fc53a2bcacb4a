"""Segmentation on a real GPU against that on the CPU; skipped, saying why, where none answers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal

from tasks.core.gpus import cupy_obstacle
from tasks.core.types import AnyArray
from tasks.segment import Segment, segment_image
from tasks.segment.cuda.batches import in_gpu_batches
from tasks.segment.cuda.flood import flood_stack
from tasks.segment.cuda.launch import gpu_kernels
from tasks.segment.kernels.flood import flood
from tests.segment.cuda.test_cuda_flood import landscape

pytestmark = pytest.mark.gpu

CHANNELS = ("DNA", "RNA")
OBJECTS = {
    "nucleus": {"method": "watershed", "channel": "DNA", "diameter": 50},
    "cell": {"method": "seeded_watershed", "channel": "RNA", "seeds": "nucleus"},
    "cytoplasm": {"method": "subtract", "from": "cell", "remove": "nucleus"},
}


@pytest.fixture(scope="module")
def cupy() -> Any:  # noqa: ANN401 - a module
    if obstacle := cupy_obstacle():
        pytest.skip(obstacle)
    return pytest.importorskip("cupy")


@pytest.fixture(scope="module")
def fields(data_root: Path) -> list[AnyArray]:
    folder = data_root / "hcs_nf1" / "images"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    both = zip(sorted(folder.glob("*DAPI*")), sorted(folder.glob("*RFP*")), strict=True)
    return [np.stack([np.asarray(tifffile.imread(path)) for path in paths]) for paths in both]


def on(device: str) -> Segment:
    return Segment.model_validate({"device": device, "objects": OBJECTS})


def same_share(ours: AnyArray, theirs: AnyArray) -> float:
    """Share of objects of one label image that overlap one of the other by at least 0.9 of their union."""
    joint = np.zeros((int(theirs.max()) + 1, int(ours.max()) + 1))
    np.add.at(joint, (theirs.ravel(), ours.ravel()), 1)
    union = joint.sum(1)[1:, None] + joint.sum(0)[None, 1:] - joint[1:, 1:]
    return float((joint[1:, 1:] >= 0.9 * union).any(axis=1).mean())


@pytest.mark.parametrize("steps", [1, 3, 1_000_000])
@pytest.mark.parametrize("shape", [(5, 300, 333), (1, 1, 1), (1, 2048, 2048)])
def test_the_watershed_gives_the_same_labels(cupy: Any, steps: int, shape: tuple[int, ...]) -> None:  # noqa: ANN401
    height, markers, mask = landscape(steps, steps=steps, shape=shape)
    stacks = (cupy.asarray(stack) for stack in (height, markers, mask))
    heights, all_markers, masks = stacks
    got = cupy.asnumpy(flood_stack(heights, markers=all_markers, mask=masks, kernels=gpu_kernels()))
    for index in range(len(height)):
        assert_array_equal(got[index], flood(height[index], markers=markers[index], mask=mask[index]))


@pytest.mark.usefixtures("cupy")
def test_objects_of_real_fields_are_the_same(fields: list[AnyArray]) -> None:
    for field in fields:
        ours, theirs = (segment_image(field, channels=CHANNELS, config=on(device)) for device in ("gpu", "cpu"))
        for name, labels in theirs.all_labels.items():
            assert same_share(ours.all_labels[name], labels) >= 0.99


@pytest.mark.usefixtures("cupy")
def test_methods_are_loaded_by_a_rehearsal() -> None:
    for entry in on("gpu").objects[:2]:
        entry.load(device="gpu")


def test_fewer_fields_at_a_time_where_memory_runs_out(cupy: Any, fields: list[AnyArray]) -> None:  # noqa: ANN401
    pool = cupy.get_default_memory_pool()
    tiles = [field[:, :512, :512] for field in fields] * 4
    alone = [segment_image(tile, channels=CHANNELS, config=on("gpu")) for tile in tiles[: len(fields)]] * 4
    pool.free_all_blocks()
    pool.set_limit(size=pool.total_bytes() + 300 * 512 * 512)  # enough for one or two
    try:
        together = in_gpu_batches(
            lambda tile: segment_image(tile, channels=CHANNELS, config=on("gpu")), tiles, pixels=512 * 512
        )
        for ours, theirs in zip(together, alone, strict=True):
            assert_array_equal(ours.labels["cell"], theirs.labels["cell"])
    finally:
        pool.set_limit(size=0)
