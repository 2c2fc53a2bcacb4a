"""Statistics of a set of pixels, against numpy and scipy, and at the limits of their definition."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.types import FloatArray
from tasks.features.definitions.intensity import STATISTICS
from tasks.features.plain.statistics import statistics


def named(values: FloatArray) -> dict[str, float]:
    return dict(zip(STATISTICS, statistics(values).tolist(), strict=True))


@given(st.lists(st.integers(0, 65535), min_size=2, max_size=60).filter(lambda values: len(set(values)) > 1))
def test_every_statistic_is_the_one_of_numpy_or_scipy(values: list[int]) -> None:
    pixels = np.array(values, dtype=np.float64)
    found = named(pixels)
    expected = {
        "mean": np.mean(pixels), "median": np.median(pixels), "max": np.max(pixels), "min": np.min(pixels),
        "std": np.std(pixels), "mad": scipy.stats.median_abs_deviation(pixels),
        "lower_quartile": np.quantile(pixels, 0.25), "upper_quartile": np.quantile(pixels, 0.75), "sum": np.sum(pixels),
        "skewness": scipy.stats.skew(pixels), "kurtosis": scipy.stats.kurtosis(pixels),
    }  # fmt: skip
    assert list(found) == list(expected)
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-9)


def test_worked_by_hand() -> None:
    # mean 3, deviations -2 -1 0 3: m2 = 14/4, m3 = 18/4, m4 = 98/4
    found = named(np.array([1.0, 2.0, 3.0, 6.0]))
    assert found["skewness"] == pytest.approx(4.5 / 3.5**1.5)
    assert found["kurtosis"] == pytest.approx(24.5 / 3.5**2 - 3)
    assert found["mad"] == 1.0  # median 2.5, deviations 1.5 0.5 0.5 3.5
    assert (found["lower_quartile"], found["upper_quartile"]) == (1.75, 3.75)


@pytest.mark.parametrize("value", [0.0, 0.1, -11.5, 600.0 / 7, 65535.0, 1e-200])
@pytest.mark.parametrize("count", [1, 2, 7, 999])
def test_equal_values_have_no_spread_and_no_form(value: float, count: int) -> None:
    found = named(np.full(count, value))
    assert found["std"] == 0.0
    assert found["mad"] == 0.0
    assert found["mean"] == found["median"] == found["max"] == value
    assert np.isnan([found["skewness"], found["kurtosis"]]).all()


def test_an_empty_set_has_no_statistics() -> None:
    assert np.isnan(statistics(np.empty(0))).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e80])
def test_a_value_that_is_no_number_leaves_none(value: float) -> None:
    assert np.isnan(statistics(np.array([1.0, value, 2.0]))).all()


def test_tiny_and_huge_values_keep_their_form() -> None:
    shape = np.array([0.0, 1.0, 2.0, 9.0])
    for scale in (1e-140, 1e70):
        assert statistics(shape * scale)[-2:] == pytest.approx(statistics(shape)[-2:])
