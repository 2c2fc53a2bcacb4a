"""The CUDA text of the watershed, run on the processor: the labels of the compiled one, exactly."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

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
