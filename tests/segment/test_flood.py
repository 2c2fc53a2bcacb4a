"""The watershed: compiled, against its definition, and beside scikit-image's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from tasks.segment.kernels.flood import flood
from tests.segment.flood_plain import flood_plain

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)


@given(st.data(), SHAPES)
def test_labels_are_those_of_the_definition(data: st.DataObject, shape: tuple[int, int]) -> None:
    few = st.sampled_from([-np.inf, -2.5, -1.0, -0.0, 0.0, 1.0, 2.0, 3.0, 4.0, np.inf, np.nan])
    heights = data.draw(st.sampled_from([few, st.floats(width=32), st.just(1.0)]))
    height = data.draw(hnp.arrays(np.float32, shape, elements=heights))
    rare = st.sampled_from([0] * 8 + [1, 2, 7, -3])
    markers = data.draw(hnp.arrays(np.int32, shape, elements=rare))
    mask = data.draw(hnp.arrays(np.bool_, shape, elements=st.sampled_from([True, True, True, False])))
    assert_array_equal(flood(height, markers=markers, mask=mask), flood_plain(height, markers=markers, mask=mask))


@pytest.mark.parametrize("steps", [2, 5, 1_000_000])
def test_labels_are_those_of_the_definition_on_larger_images(steps: int) -> None:
    random = np.random.default_rng(steps)
    height = random.integers(0, steps, (60, 70)).astype(np.float32)
    markers = np.where(random.random(height.shape) < 0.01, random.integers(1, 50, height.shape), 0).astype(np.int32)
    mask = random.random(height.shape) < 0.8
    assert_array_equal(flood(height, markers=markers, mask=mask), flood_plain(height, markers=markers, mask=mask))
