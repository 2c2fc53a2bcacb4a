"""Figures' numbers: histograms, projections and choices against numpy."""

from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.report.page.choice import choose_features, most_telling
from tasks.report.page.groups import OTHERS, choose_groupings, count_values
from tasks.report.page.histogram import Bins, choose_bins, count_in_bins, thinned
from tasks.report.page.projection import LIMIT, principal_components, robustly_scaled

VALUES = arrays(np.float64, st.integers(1, 200), elements=st.floats(-1e6, 1e6))


def cut(table: pl.DataFrame, rows: int) -> Iterator[pl.DataFrame]:
    return table.iter_slices(rows)


@given(values=VALUES, rows=st.integers(1, 50))
def test_bins_count_as_numpy_does_however_the_table_is_cut(values: np.ndarray, rows: int) -> None:
    bins = Bins(edges=np.linspace(values.min() - 1, values.max() + 1, 12))
    counted = count_in_bins(cut(pl.DataFrame({"a": values}), rows), bins={"a": bins})["a"][""]
    assert counted.tolist() == np.histogram(values, bins.edges)[0].tolist()


def test_missing_values_are_in_no_bin_and_far_ones_in_the_last() -> None:
    table = pl.DataFrame({"a": [np.nan, np.inf, None, -9.0, 0.5, 99.0], "plate": ["1", "1", "1", None, "1", "1"]})
    counted = count_in_bins([table], bins={"a": Bins(edges=np.array([0.0, 1.0, 2.0]))}, group="plate")["a"]
    assert {group: own.tolist() for group, own in counted.items()} == {"1": [1, 1], "": [1, 0]}


@given(values=VALUES, mark=st.floats(-2e6, 2e6))
def test_a_threshold_is_always_in_sight(values: np.ndarray, mark: float) -> None:
    bins = choose_bins(values, include=[mark, np.inf])
    assert bins.edges[0] <= mark <= bins.edges[-1] or np.isclose(mark, [bins.edges[0], bins.edges[-1]]).any()
    assert (np.diff(bins.edges) > 0).all()


def test_bins_fit_the_values() -> None:
    assert choose_bins(np.array([1.0, 2.0, 2.0, 4.0])).edges.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert choose_bins(np.geomspace(1, 1e6, 500)).logarithmic
    assert not choose_bins(np.linspace(-5, 1e6, 500)).logarithmic
    assert choose_bins(np.array([np.nan])).count > 0


def test_thinning_takes_evenly_from_all_of_the_table() -> None:
    taken = thinned(cut(pl.DataFrame({"a": np.arange(10_000)}), 999), ["a"], most=100)["a"].to_numpy()
    assert 50 <= len(taken) <= 100
    assert len(np.unique(np.diff(taken))) == 1
    assert taken[0] == 0
    assert taken[-1] > 9_800


def test_principal_components_are_those_of_the_covariance() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 7)) + 0.1 * rng.normal(size=(300, 7))
    scaled, used = robustly_scaled(values)
    projection = principal_components(scaled, used=used)
    variances, axes = np.linalg.eigh(np.cov(scaled.T))
    assert projection.explained == pytest.approx((variances[::-1] / variances.sum())[:2])
    for axis in range(2):
        expected = (scaled - scaled.mean(axis=0)) @ axes[:, -1 - axis]
        np.testing.assert_allclose(np.abs(projection.points[:, axis]), np.abs(expected), atol=1e-8)
        assert projection.weights[axis, np.abs(projection.weights[axis]).argmax()] > 0


def test_scaling_is_by_median_and_quartiles_and_leaves_out_what_says_nothing() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(101, 5))
    values[:, 1] = 7.0  # constant
    values[:60, 2] = np.nan  # known of too few
    values[5, 0], values[6, 3] = np.nan, 1e9
    scaled, used = robustly_scaled(values)
    assert used.tolist() == [True, False, False, True, True]
    first, median, third = np.percentile(values[:, 4], [25, 50, 75])
    np.testing.assert_allclose(scaled[:, 2], np.clip((values[:, 4] - median) / (third - first), -LIMIT, LIMIT))
    assert scaled[5, 0] == 0.0
    assert scaled[6, 1] == LIMIT


@pytest.mark.parametrize("shape", [(0, 4), (1, 4), (5, 0), (2, 1)])
def test_too_little_makes_a_map_of_zeros_not_an_error(shape: tuple[int, int]) -> None:
    scaled, used = robustly_scaled(np.random.default_rng(1).normal(size=shape))
    points = principal_components(scaled, used=used).points
    assert points.shape == (shape[0], 2)
    assert np.isfinite(points).all()


def test_what_is_chosen_tells_the_rest() -> None:
    rng = np.random.default_rng(5)
    sources = rng.normal(size=(200, 3))
    copies = np.concatenate([sources[:, [0]] * (1 + number) for number in range(6)], axis=1)
    values = np.concatenate([copies, sources[:, [1]], sources[:, [1]] + 1e-3, sources[:, [2]]], axis=1)
    chosen = most_telling(values, count=5)
    assert chosen == [0, 6, 8]  # one of each source, that with the most copies first
    dictionary = pl.DataFrame({"name": list("abcdefghi"), "family": ["x"] * 6 + ["y"] * 3})
    assert choose_features(dictionary, values, per_family=1) == ["a", "g"]


def test_groups_that_are_worth_comparing() -> None:
    table = pl.DataFrame(
        {
            "meta__well": [f"{number:02}" for number in range(20)] * 6,
            "meta__dose": ["high", "low", None] * 40,
            "meta__cell": [str(number) for number in range(120)],
            "meta__plate": ["1"] * 120,
        }
    )
    counts = count_values(cut(table, 17), ["well", "dose", "cell", "plate"])
    dose, well = choose_groupings(counts)
    assert dose.cells == {"": 40, "high": 40, "low": 40}
    assert [*well.cells][:2] == ["00", "01"]
    assert well.cells[OTHERS] == 15 * 6
    assert well.named("19") == OTHERS
    assert [one.name for one in choose_groupings(counts, first=["well"])] == ["well", "dose"]
