"""Colocalization by hand, and Costes' thresholds by trying all."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.core.types import BoolArray, FloatArray
from tasks.features.kernels.order import allocate_order_scratch, order_by
from tasks.features.plain.colocalization import colocalization, costes, ranks

ALL = np.ones((1, 4), dtype=bool)


def test_four_pixels_by_hand() -> None:
    x, y = np.array([[10.0, 4.0, 1.0, 6.0]]), np.array([[2.0, 8.0, 5.0, 1.0]])
    # signal of x are 10, 4, 6 (≥ 1.5), of y 2, 8, 5 (≥ 1.2); of both the first two pixels
    values = colocalization(x, y, mask=ALL)
    regression = scipy.stats.linregress(x[0], y[0])
    np.testing.assert_allclose(values[:2], [regression.rvalue, regression.slope])
    np.testing.assert_allclose(values[2:5], [52 / np.sqrt(116 * 68), 52 / 116, 52 / 68])
    np.testing.assert_allclose(values[5:7], [14 / 20, 10 / 15])
    # ranks of x 3 1 0 2, of y 1 3 2 0: both pixels differ by 2 of 4
    np.testing.assert_allclose(values[7:9], [14 / 20 / 2, 10 / 15 / 2])
    # they correlate negatively
    assert values[9:].tolist() == [0, 0]


def test_a_channel_with_itself_and_channels_that_exclude_each_other() -> None:
    x = np.random.default_rng(1).uniform(1, 9, size=(6, 7))
    np.testing.assert_allclose(colocalization(x, x, mask=np.ones(x.shape, dtype=bool)), 1)
    x = np.array([[5.0, 7.0, 0.0, 0.0]])
    values = colocalization(x, x[:, ::-1], mask=ALL)
    assert np.isnan(values[2:5]).all()
    assert values[5:].tolist() == [0] * 6


def test_constant_dark_and_missing_channels() -> None:
    x, flat = np.array([[1.0, 2.0, 3.0, 5.0]]), np.full((1, 4), 3.0)
    assert np.isnan(colocalization(flat, x, mask=ALL)[[0, 1, 9, 10]]).all()
    values = colocalization(x, flat, mask=ALL)
    assert np.isnan(values[[0, 9, 10]]).all()
    assert values[1] == 0
    assert np.isfinite(colocalization(x, -x, mask=ALL)[:2]).all()
    assert np.isnan(colocalization(x, -x, mask=ALL)[2:]).all()
    assert np.isnan(colocalization(x, np.where(x == 2, np.nan, x), mask=ALL)).all()
    assert np.isnan(colocalization(x, x, mask=np.zeros((1, 4), dtype=bool))).all()


def by_steps(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Move Costes' thresholds down the line of orthogonal regression in small steps, then halve the last step."""
    vectors = np.linalg.eigh(np.cov(x, y))[1]
    slope = vectors[1, 1] / vectors[0, 1]

    def correlated(threshold: float) -> bool:
        below = (x < threshold) | (y < slope * (threshold - x.mean()) + y.mean())
        return below.sum() < 3 or bool(np.corrcoef(x[below], y[below])[0, 1] > 0)

    steps = np.linspace(x.max() + np.ptp(x), x.min() - np.ptp(x), 20001)
    low, high = next((low, high) for high, low in pairwise(steps) if not correlated(low))
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if correlated(middle) else (middle, high)
    low -= 1e-9
    above_x, above_y = x > low, y > slope * (low - x.mean()) + y.mean()
    both: BoolArray = above_x & above_y
    return float(x[both].sum() / x[above_x].sum()), float(y[both].sum() / y[above_y].sum())


@pytest.mark.parametrize("seed", range(12))
def test_costes_thresholds_are_those_of_small_steps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    common = rng.gamma(1.0, 20, size=150) * (rng.random(150) < 0.6)
    x, y = (50 + weight * common + rng.normal(scale=9, size=150) for weight in (1.0, 0.7))
    np.testing.assert_allclose(costes(x, y), by_steps(x, y), atol=1e-9)


def test_costes_does_not_depend_on_the_unit_of_the_pixels() -> None:
    rng = np.random.default_rng(3)
    common = rng.gamma(1.0, 20, size=300)
    x, y = (50 + common + rng.normal(scale=15, size=300) for _ in range(2))
    np.testing.assert_allclose(costes(x / 65535, y / 65535), costes(x, y))
    np.testing.assert_allclose(costes(y, x), costes(x, y)[::-1])


@example(values=np.append(np.random.default_rng(4).permutation(2000) * 1.0, 1e12))  # nearly all share a bucket
@given(
    values=hnp.arrays(
        np.float64,
        st.integers(1, 300),
        elements=st.one_of(st.integers(-3, 3).map(float), st.floats(-1e70, 1e70, allow_subnormal=False)),
    )
)
def test_order_is_stable_and_equal_values_share_a_rank(values: FloatArray) -> None:
    order, ordered = np.empty(len(values), np.int64), np.empty(len(values))
    order_by(values, len(values), order, ordered, allocate_order_scratch(len(values)))
    expected = np.argsort(values, kind="stable")
    assert np.array_equal(order, expected)
    assert np.array_equal(ordered, values[expected])
    assert ranks(np.array([5.0, 2.0, 5.0, 9.0])).tolist() == [1, 0, 1, 2]
