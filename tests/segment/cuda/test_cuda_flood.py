"""The CUDA text of the watershed, run on the processor: the labels of the compiled one, exactly."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from scipy import ndimage
from skimage.measure import label

from tasks.core.types import AnyArray
from tasks.segment.cuda.flood import flood_stack
from tasks.segment.kernels.flood import flood
from tests.segment.cuda.host_kernels import HostKernels


def landscape(seed: int, *, steps: int, shape: tuple[int, ...]) -> tuple[AnyArray, AnyArray, AnyArray]:
    random = np.random.default_rng(seed)
    height = random.integers(-steps, steps, shape).astype(np.float32)
    height[random.random(shape) < 0.02] = np.nan
    markers = np.where(random.random(shape) < 0.01, random.integers(1, 50, shape), 0).astype(np.int32)
    return height, markers, random.random(shape) < 0.9


@pytest.mark.parametrize("steps", [1, 3, 1_000_000])
@pytest.mark.parametrize("shape", [(2, 70, 45), (1, 1, 1), (1, 1, 100), (3, 64, 64)])
def test_labels_are_those_of_the_compiled_watershed(steps: int, shape: tuple[int, ...], kernels: HostKernels) -> None:
    height, markers, mask = landscape(steps, steps=steps, shape=shape)
    got = flood_stack(height, markers=markers, mask=mask, kernels=kernels)
    for index in range(len(height)):
        assert_array_equal(got[index], flood(height[index], markers=markers[index], mask=mask[index]))


def test_labels_are_those_of_the_compiled_watershed_on_a_real_field(kernels: HostKernels, data_root: Path) -> None:
    paths = sorted((data_root / "hcs_nf1" / "images").glob("*DAPI*"))
    if not paths:
        pytest.skip(f"no folder hcs_nf1 in {data_root}")
    plane = np.asarray(tifffile.imread(paths[0]))[200:440, 300:560].astype(np.float32)
    mask = plane > np.quantile(plane, 0.7)
    height = -np.asarray(ndimage.distance_transform_edt(mask), dtype=np.float32)  # with plateaus
    markers = label((ndimage.minimum_filter(height, 9) == height) & mask).astype(np.int32)
    assert markers.max() > 5
    got = flood_stack(height[np.newaxis], markers=markers[np.newaxis], mask=mask[np.newaxis], kernels=kernels)
    assert_array_equal(got[0], flood(height, markers=markers, mask=mask))


def test_the_order_of_blocks_does_not_matter(kernels: HostKernels) -> None:
    height, markers, mask = landscape(5, steps=4, shape=(2, 90, 90))
    one, other = (
        flood_stack(height, markers=markers, mask=mask, kernels=kernels.in_order(stride)) for stride in (1, 5)
    )
    assert_array_equal(one, other)
