"""The operations of a GPU: what those of the CPU give, bit for bit.

Their kernels run on the processor and, where there is one, on a GPU.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal

from tasks.core.gpus import cupy_obstacle
from tasks.core.types import AnyArray, LabelArray
from tasks.segment import cpu
from tasks.segment.cuda.launch import Kernels, gpu_kernels
from tasks.segment.gpu import GpuOperations
from tasks.segment.methods.seeded_watershed import SeededWatershed, grow
from tasks.segment.methods.watershed import Watershed, find_blobs

SHAPES = ((1, 1), (1, 70), (70, 1), (75, 90))
CPU: Any = cpu


ON_DEVICE = ("mask", "markers", "seeds", "cost", "image")
"""Named arguments that are images."""


class Gpu:
    """The operations of a GPU, and what brings arrays to its memory and back."""

    def __init__(self, kernels: Kernels) -> None:
        self.operations: Any = GpuOperations(kernels)

    def put(self, array: Any) -> Any:  # noqa: ANN401
        return self.operations.xp.asarray(array)

    def get(self, result: Any) -> Any:  # noqa: ANN401
        return self.operations.to_host(result) if isinstance(result, self.operations.xp.ndarray) else result

    def __call__(self, name: str, *arrays: Any, **named: Any) -> Any:  # noqa: ANN401
        given = {key: self.put(value) if key in ON_DEVICE else value for key, value in named.items()}
        return self.get(getattr(self.operations, name)(*map(self.put, arrays), **given))


@pytest.fixture(scope="module", params=["processor", pytest.param("device", marks=pytest.mark.gpu)])
def gpu(request: pytest.FixtureRequest) -> Gpu:
    if request.param == "processor":
        return Gpu(request.getfixturevalue("kernels"))
    if obstacle := cupy_obstacle():
        pytest.skip(obstacle)
    return Gpu(gpu_kernels())


@pytest.fixture(params=SHAPES, ids=str)
def image(request: pytest.FixtureRequest) -> AnyArray:
    """Blobs between 0 and 1, with plateaus."""
    random = np.random.default_rng(3)
    rough = random.random(request.param).astype(np.float32)
    smooth = cpu.gaussian(rough, sigma=3.0)
    return np.asarray((smooth - smooth.min()).round(2) * np.float32(4), dtype=np.float32)


@pytest.fixture
def mask(image: AnyArray) -> AnyArray:
    return np.asarray(image > np.median(image))


@pytest.fixture
def labels(image: AnyArray) -> LabelArray:
    """Objects in several pieces, with holes, some of the numbers unused."""
    return np.asarray((image * 5).astype(np.int32) % 4 * 3)


def check(gpu: Gpu, name: str, *arrays: AnyArray, **named: Any) -> None:  # noqa: ANN401
    ours, theirs = gpu(name, *arrays, **named), getattr(cpu, name)(*arrays, **named)
    assert_array_equal(ours, theirs)
    if isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype


@pytest.mark.parametrize("sigma", [0.5, 1.0, 7.9, 8.0, 30.0])
def test_gaussian(sigma: float, image: AnyArray, gpu: Gpu) -> None:
    check(gpu, "gaussian", image, sigma=sigma)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64, np.bool_])
def test_scale(dtype: type, image: AnyArray, gpu: Gpu) -> None:
    plane: AnyArray = (image * 100).astype(dtype)
    ours, theirs = gpu("scale", plane), cpu.scale(plane)
    assert (ours is None) == (theirs is None)
    if ours is not None and theirs is not None:
        assert_array_equal(gpu.get(ours[0]), theirs[0])
        assert ours[1] is theirs[1] is None


def test_scale_of_what_is_not_finite(gpu: Gpu) -> None:
    plane = np.array([[np.nan, 1, 3], [np.inf, -np.inf, 2]])
    for ours, theirs in zip(gpu("scale", plane), cpu.scale(plane) or (), strict=True):
        assert_array_equal(gpu.get(ours), theirs)
    assert gpu("scale", plane * np.nan) is None
    assert gpu("scale", np.where(np.isfinite(plane), 1.0, plane)) is None


def test_filters_and_numbers_of_images(image: AnyArray, mask: AnyArray, gpu: Gpu) -> None:
    check(gpu, "sobel", image)
    ours, theirs = gpu("histogram", image, bins=1 << 16), cpu.histogram(image, bins=1 << 16)
    assert_array_equal(ours.counts, theirs.counts)
    assert (ours.low, ours.high) == (theirs.low, theirs.high)
    check(gpu, "median", image, mask=mask | True)
    check(gpu, "noise", image, mask=~mask)


def test_masks(image: AnyArray, mask: AnyArray, gpu: Gpu) -> None:
    check(gpu, "label", mask)
    for area in (0, 5, 50, 10_000):
        check(gpu, "remove_small_holes", mask, area=area)
    check(gpu, "distance", mask)
    for neck in (0.5, 0.93, 0.999):
        check(gpu, "peaks", image + np.float32(0.1), mask=mask, neck=neck)


def test_labels(image: AnyArray, labels: LabelArray, gpu: Gpu) -> None:
    for name in ("areas", "largest_pieces", "fill_holes", "raster_order", "at_frame"):
        check(gpu, name, labels)
    count = int(labels.max()) + 1
    for q in (0.0, 0.37, 0.9, 1.0):
        check(gpu, "quantiles", labels, image=image - np.float32(0.3), q=q)
    check(gpu, "keep_above", labels, image=image, least=np.linspace(0, 1, count))
    check(gpu, "raster_order", labels, keep=np.arange(count) % 2 == 0)
    check(gpu, "relabel", labels, numbers=np.arange(count)[::-1].copy())


def test_flood_and_arrival(image: AnyArray, mask: AnyArray, labels: LabelArray, gpu: Gpu) -> None:
    rare = np.random.default_rng(1).random(image.shape) < 0.05
    seeds = np.asarray(labels * (rare & mask), dtype=np.int32)
    check(gpu, "flood", image, markers=seeds, mask=mask)
    check(gpu, "arrival", image + np.float32(0.1), seeds=seeds, mask=mask)
    check(gpu, "arrival", image + np.float32(0.1), seeds=seeds, mask=mask | True)
    arrival = cpu.arrival(image + np.float32(0.1), seeds=seeds, mask=mask)
    check(gpu, "trace", arrival, cost=image + np.float32(0.1), seeds=seeds, mask=mask)


def fields(data_root: Path) -> Mapping[str, tuple[Sequence[AnyArray], float]]:
    def crop(folder: str, pattern: str) -> list[AnyArray]:
        paths = sorted((data_root / folder / "images").glob(pattern))
        return [np.asarray(tifffile.imread(path))[300:480, 420:600] for path in paths[:1]]

    discs = np.zeros((100, 130))
    rows, columns = np.mgrid[:100, :130]
    for row, column in ((30, 30), (30, 47), (70, 90), (2, 100), (60, 20)):
        discs += 200.0 * (np.hypot(rows - row, columns - column) <= 10)
    discs[40, 40] = np.nan
    return {
        "discs": ([discs, np.roll(discs, 3)], 20.0),
        "flat": ([np.ones((40, 40)), np.ones((40, 40))], 20.0),
        "nothing finite": ([np.full((9, 9), np.nan), np.ones((9, 9))], 20.0),
        "one pixel": ([np.ones((1, 1)), np.ones((1, 1))], 20.0),
        "hcs_nf1": (crop("hcs_nf1", "*DAPI*") + crop("hcs_nf1", "*RFP*"), 50.0),
    }


@pytest.mark.parametrize("name", ["discs", "flat", "nothing finite", "one pixel", "hcs_nf1"])
@pytest.mark.parametrize("options", [{}, {"threshold": "local", "declump": "shape", "rim": 0.0}])
def test_methods_find_the_same_objects(
    name: str,
    options: Mapping[str, Any],
    gpu: Gpu,
    data_root: Path,
) -> None:
    planes, diameter = fields(data_root)[name]
    if not planes:
        pytest.skip(f"no folder {name} in {data_root}")
    blobs = Watershed(name="nucleus", channel="a", diameter=diameter, **options)
    nuclei = find_blobs(planes[0], config=blobs, operations=CPU)
    assert_array_equal(gpu.get(find_blobs(gpu.put(planes[0]), config=blobs, operations=gpu.operations)), nuclei)
    if name in ("discs", "hcs_nf1"):
        assert nuclei.max() > 0
    for more in ({}, {"max_distance": 5.0, "holes": "keep"}):
        cells = SeededWatershed(name="cell", channel="b", seeds="nucleus", **more)
        ours = grow(gpu.put(planes[1]), seeds=gpu.put(nuclei), config=cells, operations=gpu.operations)
        assert_array_equal(gpu.get(ours), grow(planes[1], seeds=nuclei, config=cells, operations=CPU))
