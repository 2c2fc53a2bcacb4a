"""Metrics of cells: exact, over the image or the mask."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.core.crop import WITH_MARGIN, Crop, crop_cells
from tasks.core.types import AnyArray, Batch, LabelArray, Ragged, Region
from tasks.quality.config import Quality
from tasks.quality.measure import measure_metrics, metric_column, with_regions
from tasks.quality.registry import metrics
from tasks.quality.view import View

INTEGERS = st.sampled_from(["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"])


def pixel_sum(pixels: AnyArray) -> float:
    return metrics["sum"].function(View(pixels=pixels, mask=np.ones(pixels.shape, dtype=np.bool_)))


def pixel_mean(pixels: AnyArray) -> float:
    return metrics["mean"].function(View(pixels=pixels, mask=np.ones(pixels.shape, dtype=np.bool_)))


@given(pixels=hnp.arrays(INTEGERS, st.integers(1, 30)))
def test_sum_and_mean_of_integers_are_rounded_once(pixels: AnyArray) -> None:
    exact = sum(pixels.tolist())
    assert pixel_sum(pixels) == float(exact)
    assert pixel_mean(pixels) == exact / pixels.size


@pytest.mark.parametrize(
    ("value", "dtype", "count"), [(65535, "uint16", 1_000_000), (2**64 - 1, "uint64", 5), (-(2**63), "int64", 3)]
)
def test_sums_do_not_wrap_around(value: int, dtype: str, count: int) -> None:
    pixels = np.full(count, value, dtype=dtype)
    assert pixel_sum(pixels) == float(value * count)
    assert pixel_mean(pixels) == float(value)


def test_a_sum_of_many_halves_is_not_a_sum_of_float16() -> None:
    assert pixel_sum(np.full(10_000, 100.0, dtype=np.float16)) == 1_000_000
    assert pixel_mean(np.full(10_000, 100.0, dtype=np.float16)) == 100


def test_nothing_has_neither_sum_nor_mean() -> None:
    for dtype in ("uint16", "float32"):
        assert math.isnan(pixel_sum(np.zeros(0, dtype=dtype)))
        assert math.isnan(pixel_mean(np.zeros(0, dtype=dtype)))


def rules(*entries: dict[str, Any]) -> Any:  # noqa: ANN401 - rules as their model parses them
    absolute = {"method": "absolute", "value": 0}
    named = [{"name": str(number), "threshold": absolute, **entry} for number, entry in enumerate(entries)]
    return Quality.model_validate({"rules": named}).rules


def test_the_column_of_a_metric_names_region_metric_and_channel() -> None:
    configured = rules(
        {"metric": "sum", "channel": "BF"},
        {"metric": "mean", "channel": "PI", "over": "mask"},
        {"metric": "mean", "channel": "PI", "over": "mask", "region": "cell"},
        {"metric": "area"},
    )
    assert [metric_column(rule) for rule in with_regions(configured, main_region="nucleus", stamps=False)] == [
        "image__quality_sum__BF",
        "nucleus__quality_mean__PI",
        "cell__quality_mean__PI",
        "nucleus__quality_area",
    ]
    (size,) = with_regions(configured[-1:], main_region="li", stamps=True)
    assert metric_column(size) == "li.combined__quality_area"


@pytest.fixture
def cells() -> tuple[Batch, list[Region], list[AnyArray]]:
    """Two cells of two channels with a mask per channel, and one mask that both share; the frames are larger."""
    images = [np.arange(12, dtype=np.uint16).reshape(2, 2, 3), 10 * np.arange(8, dtype=np.uint16).reshape(2, 2, 2)]
    own = [np.array([[[1, 0, 0], [0, 0, 1]], [[0, 0, 0], [0, 0, 0]]]), np.array([[[1, 1], [1, 1]], [[0, 1], [0, 0]]])]
    shared = [np.array([[[0, 1, 1], [0, 0, 0]]]), np.array([[[0, 0], [1, 1]]])]
    background = np.zeros((2, 2))
    regions = [
        Region(name="li", shared=False, masks=Ragged.of([mask.astype(bool) for mask in own]), background=background),
        Region(
            name="cell", shared=True, masks=Ragged.of([mask.astype(bool) for mask in shared]), background=background
        ),
    ]
    frames = [np.pad(image, ((0, 0), (1, 1), (1, 1)), constant_values=1) for image in images]
    return Batch.of(images, channels=["BF", "PI"]), regions, frames


def test_metrics_are_taken_over_the_frame_or_the_pixels_of_the_mask(
    cells: tuple[Batch, list[Region], list[AnyArray]],
) -> None:
    batch, regions, frames = cells
    measured = measure_metrics(
        batch,
        regions,
        frames=frames,
        rules=rules(
            {"metric": "sum", "channel": "BF"},
            {"metric": "mean", "channel": "PI"},
            {"metric": "sum", "channel": "BF", "over": "mask"},
            {"metric": "mean", "channel": "PI", "over": "mask"},
            {"metric": "sum", "channel": "PI", "over": "mask", "region": "cell"},
            {"metric": "sum", "channel": "BF", "keep": "below"},  # the first once more
        ),
    )
    expected = {
        "image__quality_sum__BF": [15 + 14, 60 + 12],
        "image__quality_mean__PI": [(51 + 14) / 20, (220 + 12) / 16],
        "li__quality_sum__BF": [0 + 5, 60],
        "li__quality_mean__PI": [math.nan, 50],
        "cell__quality_sum__PI": [7 + 8, 60 + 70],
    }
    assert measured.columns == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(measured[name].to_numpy(), values)


def test_a_cells_metrics_do_not_depend_on_its_neighbours(cells: tuple[Batch, list[Region], list[AnyArray]]) -> None:
    batch, regions, frames = cells
    wanted = rules({"metric": "sum", "channel": "BF", "over": "mask"}, {"metric": "mean", "channel": "BF"})
    metrics = measure_metrics(batch, regions, rules=wanted, frames=frames)
    alone = measure_metrics(batch.take([1]), [region.take([1]) for region in regions], rules=wanted, frames=frames[1:])
    assert alone.equals(metrics[1:])


CHANNEL = {"channel": "DNA", "over": "mask"}
OF_OBJECTS = [
    {"metric": metric, "region": name, **(CHANNEL if metrics[metric].needs_channel else {}), "over": "mask"}
    | ({"percentile": 30} if metrics[metric].takes_percentile else {})
    for metric in metrics.names
    for name in ("nucleus", "cell", "cytoplasm")
]
"""Every metric of every kind of object."""


@pytest.fixture
def field() -> tuple[AnyArray, dict[str, LabelArray]]:
    """Draw a 12-bit field with one saturated spot; the third cell is in two parts, two touch the frame."""
    rng = np.random.default_rng(4)
    image = rng.integers(20, 200, size=(1, 90, 120)).astype(np.uint16)
    nucleus, cell = np.zeros((90, 120), dtype=np.int32), np.zeros((90, 120), dtype=np.int32)
    for number, (row, column) in enumerate([(20, 20), (5, 60), (50, 55), (80, 110)], start=1):
        distance = np.hypot(*(np.indices(cell.shape).T - (row, column)).T)
        nucleus[distance < 4 + number] = number
        cell[(distance < 15 + 2 * number) & (cell == 0)] = number
    nucleus[60:63, 70:74] = 3
    cell[nucleus > 0] = nucleus[nucleus > 0]
    image[0, nucleus > 0] += 700
    image[0, 20, 20] = image[0, 89, 0] = 4095
    return image, {"nucleus": nucleus, "cell": cell, "cytoplasm": np.where(nucleus > 0, 0, cell)}


def of_field(field: tuple[AnyArray, dict[str, LabelArray]], *, margin: int, numbers: list[int]) -> pl.DataFrame:
    image, labels = field
    crop = Crop(margin=margin, clip_to_primary=False, background=True)
    batch, regions = crop_cells(image, labels=labels, numbers=numbers, channels=["DNA"], crop=crop)
    return measure_metrics(batch, regions, rules=rules(*OF_OBJECTS), frames=[image] * len(numbers))


def test_no_metric_of_an_object_depends_on_the_window_in_which_it_is_cut_out(
    field: tuple[AnyArray, dict[str, LabelArray]],
) -> None:
    expected = of_field(field, margin=WITH_MARGIN.margin, numbers=[1, 2, 3, 4])
    assert not any(expected[column].is_nan().any() for column in expected.columns)
    for margin in (1, 30, 200):
        assert of_field(field, margin=margin, numbers=[1, 2, 3, 4]).equals(expected)
    assert of_field(field, margin=6, numbers=[4]).equals(expected[3:])


def test_objects_touch_the_border_of_the_field_and_not_that_of_their_window(
    field: tuple[AnyArray, dict[str, LabelArray]],
) -> None:
    image, labels = field
    metrics = of_field(field, margin=WITH_MARGIN.margin, numbers=[2, 3, 4])
    border = np.ones(image.shape[1:], dtype=np.bool_)
    border[1:-1, 1:-1] = False
    for name, plane in labels.items():
        shares = [float((plane[border] == number).mean()) for number in (2, 3, 4)]
        assert metrics[f"{name}__quality_border_contact"].to_list() == shares
    assert metrics["cell__quality_border_contact"][0] > metrics["nucleus__quality_border_contact"][0] > 0
    assert metrics["cell__quality_border_contact"][1] == 0


def test_the_whole_field_tells_the_limit_at_which_an_object_is_saturated(
    field: tuple[AnyArray, dict[str, LabelArray]],
) -> None:
    image, labels = field
    image[0, labels["cell"] == 3] = 255
    metrics = of_field(field, margin=WITH_MARGIN.margin, numbers=[1, 3])
    assert metrics["nucleus__quality_saturated__DNA"].to_list() == [1 / (labels["nucleus"] == 1).sum(), 0]


def test_parts_of_an_object_are_counted_and_measured_together(field: tuple[AnyArray, dict[str, LabelArray]]) -> None:
    metrics = of_field(field, margin=WITH_MARGIN.margin, numbers=[3])
    assert metrics["nucleus__quality_regions"].item() == 2
    assert metrics["nucleus__quality_area"].item() == (field[1]["nucleus"] == 3).sum()
    assert metrics["nucleus__quality_solidity"].item() < 0.9
