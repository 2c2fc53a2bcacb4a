"""Histograms of pixels: what is counted, how far buckets are off, and that the order of merging does not matter."""

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from polars.testing import assert_frame_equal

from tasks.core.types import AnyArray, Batch, FloatArray, Ragged, Region
from tasks.normalize import histogram as module
from tasks.normalize import labelled, merge_histograms, pixel_histogram
from tasks.normalize.histogram import BUCKETS, batch_histogram, float_keys, histogram_columns
from tasks.normalize.pixels import Pixels

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
FINITE = st.floats(allow_nan=False, allow_infinity=False)
FLOATS = hnp.arrays(np.float64, st.integers(1, 80), elements=FINITE | st.sampled_from([0.0, -0.0, 5e-324, -1e-308]))


def table(values: AnyArray, *, channel: str = "PI", **group: str) -> pl.DataFrame:
    return labelled(pixel_histogram(values), group=group, channel=channel)


@given(data=st.data(), name=st.sampled_from(INTEGERS))
def test_integers_are_counted_one_by_one(data: st.DataObject, name: str) -> None:
    info = np.iinfo(name)
    elements = st.integers(max(info.min, -(2**53)), min(info.max, 2**53))
    values = data.draw(hnp.arrays(name, st.integers(0, 60), elements=elements))
    histogram = pixel_histogram(values)
    numbers, counts = np.unique(values, return_counts=True)
    assert histogram["whole"].all()
    assert histogram["low"].to_list() == histogram["high"].to_list() == numbers.tolist()
    assert histogram["count"].to_list() == counts.tolist()
    assert histogram["key"].is_sorted()


def test_bools_count_as_0_and_1_and_whole_numbers_that_int64_does_not_hold_go_to_the_buckets_of_floats() -> None:
    assert pixel_histogram(np.array([[True, False], [True, True]])).select("low", "count").rows() == [(0, 1), (1, 3)]
    histogram = pixel_histogram(np.array([2**64 - 1, 3, 2**63, 2**64 - 1], dtype=np.uint64))
    rows = [(False, 2.0**63, 1), (False, 2.0**64, 2), (True, 3.0, 1)]
    assert histogram.select("whole", "high", "count").rows() == rows


def test_what_is_no_pixel_is_refused_and_what_is_not_finite_left_out() -> None:
    with pytest.raises(TypeError, match="got pixels of type complex128, expected integers or floating-point numbers"):
        pixel_histogram(np.zeros(3, dtype=complex))
    values = np.array([np.nan, 1.0, np.inf, -np.inf, 2.0])
    assert pixel_histogram(values)["low"].to_list() == [1.0, 2.0]
    assert pixel_histogram(values[:1]).schema == BUCKETS
    assert len(pixel_histogram(values[:1])) == 0


@pytest.mark.parametrize("name", ["uint16", "float32", "float64"])
def test_many_pixels_are_counted_a_few_at_a_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).lognormal(5, 1, size=5000).astype(name)
    at_once = pixel_histogram(values)
    monkeypatch.setattr(module, "_CHUNK", 600)
    assert_frame_equal(pixel_histogram(values), at_once)
    real = values.astype(np.float64)
    assert_frame_equal(pixel_histogram(np.append(real, np.full(600, np.nan))), pixel_histogram(real))


@given(values=FLOATS)
def test_the_middle_of_a_bucket_is_at_most_2_to_the_minus_13_off(values: FloatArray) -> None:
    histogram = pixel_histogram(values)
    middle = dict(zip(histogram["key"].to_list(), Pixels.of(histogram).values.tolist(), strict=True))
    off = np.abs(values - [middle[key] for key in float_keys(values).tolist()])
    tiny = np.abs(values) < 2.0**-1022
    assert (off[~tiny] <= 2.0**-13 * np.abs(values[~tiny])).all()
    assert (off[tiny] < 2.0**-1022).all()
    assert histogram["count"].sum() == len(values)
    assert (histogram["low"][0], histogram["high"][-1]) == (values.min(), values.max())


def test_the_bound_is_reached_so_the_buckets_are_no_finer_than_stated() -> None:
    edges = np.array([1.0, 1.0 + 2.0**-12 - 2.0**-52])
    assert len(set(float_keys(edges).tolist())) == 1
    assert len(set(float_keys(edges + 2.0**-52).tolist())) == 2
    assert abs(Pixels.of(pixel_histogram(edges)).values[0] - 1) > 2.0**-13 * (1 - 1e-9)


def test_buckets_of_whole_numbers_are_bounded_by_what_floats_need() -> None:
    values = np.random.default_rng(0).lognormal(sigma=1, size=300_000)
    powers = np.ceil(np.log2(values.max())) - np.floor(np.log2(values.min()))
    assert len(pixel_histogram(values)) <= 4096 * powers
    assert len(pixel_histogram(values.astype(np.float32))) <= 4096 * powers


PARTS: list[tuple[str, AnyArray]] = [
    ("A", np.array([3, 5, 5], dtype=np.uint16)), ("A", np.array([3, 200_000, -7], dtype=np.int32)),
    ("A", np.array([2, 2], dtype=np.uint8)), ("B", np.array([3, 9_999_999], dtype=np.uint64)),
    ("B", np.array([0.5, 3.0, 10_000_001.0])), ("B", np.array([9_999_999, 10_000_000], dtype=np.int64)),
    ("C", np.array([1.25, -2.5], dtype=np.float32)), ("C", np.zeros(0, dtype=np.uint16)),
]  # fmt: skip


@given(order=st.permutations(range(len(PARTS))), cuts=st.sets(st.integers(1, len(PARTS) - 1)))
def test_any_order_and_any_tree_of_merges_gives_the_same(order: list[int], cuts: set[int]) -> None:
    tables = [table(values, well=well) for well, values in PARTS]
    expected = merge_histograms(tables, group_by=["well"])
    ends = [0, *sorted(cuts), len(PARTS)]
    branches = [
        merge_histograms([tables[at] for at in order[start:stop]], group_by=["well"]) for start, stop in pairwise(ends)
    ]
    assert_frame_equal(merge_histograms(branches, group_by=["well"]), expected)


def test_whole_numbers_beside_floats_share_their_buckets() -> None:
    tables = [table(values, well=well) for well, values in PARTS]
    merged = merge_histograms(tables, group_by=["well"])
    integral = {row["meta__well"]: row["whole"] for row in merged.iter_rows(named=True)}
    assert integral == {"A": True, "B": False, "C": False}
    b = merged.filter(pl.col("meta__well") == "B")
    rows = [(0.5, 0.5, 1), (3.0, 3.0, 2), (9_999_999.0, 10_000_001.0, 4)]
    assert b.select("low", "high", "count").rows() == rows
    assert merged.schema == histogram_columns(["well"])


@given(seed=st.integers(0, 999), many=st.sampled_from([1, 40, 99, 100, 101]))
def test_too_many_whole_numbers_share_buckets_whatever_the_order(seed: int, many: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.permutation(np.arange(50_000, 50_100, dtype=np.uint32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MANY", many)
        parts = [table(part) for part in np.array_split(values, 7)]
        middle = rng.integers(0, 8)
        branches = [merge_histograms(part, group_by=[]) for part in (parts[:middle], parts[middle:])]
        merged = merge_histograms(branches, group_by=[])
    assert merged["whole"].all() == (many >= 100)
    assert len(merged) == (100 if many >= 100 else len(set(float_keys(values.astype(np.float64)).tolist())))
    assert merged["count"].sum() == 100


def test_nothing_merges_to_a_table_without_rows() -> None:
    assert merge_histograms([], group_by=["well"]).schema == histogram_columns(["well"])
    assert len(merge_histograms([], group_by=["well"])) == 0


def batch(*shapes: tuple[int, int], seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    images = [rng.integers(0, 4096, size=(2, *shape)).astype(np.uint16) for shape in shapes]
    return Batch.of(images, channels=["BF", "PI"])


@pytest.mark.parametrize("shared", [False, True])
def test_a_batch_is_counted_in_its_masks_by_group_and_channel(shared: bool) -> None:  # noqa: FBT001
    cells = batch((5, 7), (3, 4), (6, 2))
    rng = np.random.default_rng(1)
    masks = [rng.random((1 if shared else 2, *shape)) < 0.5 for shape in cells.pixels.shapes]
    masks[1][:] = False
    region = Region(name="li", shared=shared, masks=Ragged.of(masks), background=np.zeros((3, 2)))
    got = batch_histogram(cells, region, group_by=["well"], groups=[("A",), ("",), ("A",)])
    expected: dict[tuple[Any, ...], int] = {}
    for well, image, mask in zip(["A", "", "A"], cells.pixels.unstack(), masks, strict=True):
        for number, channel in enumerate(cells.channels):
            for value in image[number][mask[0 if shared else number]].tolist():
                key = (well, channel, value)
                expected[key] = expected.get(key, 0) + 1
    rows = {row[:-1]: row[-1] for row in got.select("meta__well", "channel", "low", "count").iter_rows()}
    assert rows == expected
    assert {row[0] for row in rows} == {"A"}
