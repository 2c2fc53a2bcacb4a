"""Metrics equal the plain code of numpy, scipy and scikit-image that defines them."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.measure import label, regionprops
from skimage.morphology import convex_hull_image

from tasks.core.shape import hull_area
from tasks.core.types import AnyArray, Batch, BoolArray, FloatArray, Ragged, Region
from tasks.quality import measure
from tasks.quality.config import Quality
from tasks.quality.registry import MetricDef, metrics
from tasks.quality.view import View

Plain = Callable[[AnyArray, BoolArray], float]


def of_shape(name: str) -> Plain:
    return lambda _, mask: getattr(regionprops(mask.astype(np.uint8))[0], name) if mask.any() else math.nan


def aspect_ratio(pixels: AnyArray, mask: BoolArray) -> float:
    major, minor = (of_shape(f"axis_{axis}_length")(pixels, mask) for axis in ("major", "minor"))
    return minor / major if major > 0 else math.nan


def border_contact(_: AnyArray, mask: BoolArray) -> float:
    border = np.ones(mask.shape, dtype=np.bool_)
    border[1:-1, 1:-1] = False
    return float(mask[border].mean())


def power_slope(pixels: AnyArray, mask: BoolArray) -> float:
    rows, columns = np.nonzero(mask)
    box = pixels[min(rows) : max(rows) + 1, min(columns) : max(columns) + 1].astype(np.float64)
    size = min(box.shape)
    if size < 8 or np.ptp(box) == 0:
        return math.nan
    power = np.abs(np.fft.fft2(box - box.mean())) ** 2
    frequency = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, box.shape), indexing="ij"))
    ring = np.rint(frequency * size).astype(int).ravel()
    mean = (np.bincount(ring, weights=power.ravel()) / np.bincount(ring))[1 : size // 2 + 1]
    return float(np.polyfit(np.log(np.arange(1, size // 2 + 1)), np.log(mean), 1)[0]) if (mean > 0).all() else math.nan


PLAIN: dict[str, Plain] = {
    "max": lambda pixels, mask: float(pixels[mask].max()),
    "std": lambda pixels, mask: float(pixels[mask].std(dtype=np.float64)),
    "laplacian_variance": lambda pixels, mask: float(ndimage.laplace(pixels.astype(np.float64))[mask].var()),
    "power_slope": power_slope,
    "area": lambda _, mask: float(mask.sum()),
    "regions": lambda _, mask: float(label(mask).max()),
    "border_contact": border_contact,
    "eccentricity": of_shape("eccentricity"),
    "solidity": of_shape("solidity"),
    "aspect_ratio": aspect_ratio,
}
EXACT = ("max", "area", "regions", "border_contact", "solidity")
"""Counts, their ratios, and a pixel: no order of operations changes them. Sums and roots round as they will."""
OF_FRAMES = [name for name in metrics.names if not (metrics[name].of_region or metrics[name].takes_percentile)]


@pytest.fixture(scope="module")
def cells() -> list[tuple[AnyArray, BoolArray]]:
    """Pixels of all types, and masks: noise, discs that the frame cuts off, lines, two discs, one pixel, the frame."""
    rng = np.random.default_rng(20)
    made = []
    for number in range(180):
        height, width = rng.integers(1, 45, size=2)
        rows, columns = np.mgrid[:height, :width]
        discs = [
            np.hypot(rows - height * rng.random(), (columns - width * rng.random()) * rng.uniform(0.5, 2)) < radius
            for radius in (rng.uniform(1, 22), 6)
        ]
        mask = (
            rng.random((height, width)) < rng.random(),
            discs[0],
            np.abs(rows * rng.normal() + columns * rng.normal() - 5) < 2,
            discs[0] | discs[1],
            np.zeros((height, width), dtype=np.bool_),
            np.ones((height, width), dtype=np.bool_),
        )[number % 6]
        mask[rng.integers(height), rng.integers(width)] = True
        dtype = ("uint8", "uint16", "int16", "float32", "float64")[number % 5]
        made.append((np.clip(rng.normal(120, 40, (height, width)), 0, 255).astype(dtype), mask))
    return made


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_a_metric_is_that_of_plain_code(name: str, cells: list[tuple[AnyArray, BoolArray]]) -> None:
    for pixels, mask in cells:
        value, plain = metrics[name].function(View(pixels=pixels, mask=mask)), PLAIN[name](pixels, mask)
        if name in EXACT:
            np.testing.assert_array_equal(value, plain)
        else:  # their squares, since a root of what should be 0 makes 1e-8 of 1e-16
            np.testing.assert_allclose(value**2, plain**2, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", OF_FRAMES)
def test_a_frame_is_a_region_of_all_its_pixels(name: str, cells: list[tuple[AnyArray, BoolArray]]) -> None:
    for pixels, _ in cells:
        everything = np.ones(pixels.shape, dtype=np.bool_)
        value = metrics[name].function(View(pixels=pixels, mask=None))
        expected = metrics[name].function(View(pixels=pixels, mask=everything))
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)


@given(
    values=hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e9, 1e9) | st.just(math.nan)),
    p=st.floats(0, 100) | st.sampled_from([0.0, 1.0, 50.0, 99.0, 100.0]),
)
def test_percentiles_are_those_of_numpy(values: FloatArray, p: float) -> None:
    value = metrics["percentile"].function(View(pixels=values[np.newaxis], mask=None), percentile=p)
    np.testing.assert_allclose(value, np.percentile(values, p), rtol=1e-12, atol=1e-6)  # of values up to 1e9


@given(
    mask=hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14)).filter(
        lambda mask: mask[[0, -1]].any(axis=1).all()
    )
)
def test_the_hull_has_the_pixels_of_scikit_image(mask: BoolArray) -> None:
    assert hull_area(mask) == convex_hull_image(mask).sum()


def test_nothing_has_no_metrics_but_counts() -> None:
    view = View(pixels=np.zeros((5, 6)), mask=np.zeros((5, 6), dtype=np.bool_), background=1.0)
    values = {name: metrics[name].function(view) for name in metrics.names if not metrics[name].takes_percentile}
    counts = {"area", "regions", "border_contact"}
    assert {name for name, value in values.items() if value == 0} == counts
    assert {name for name, value in values.items() if math.isnan(value)} == set(values) - counts


def test_the_frame_that_objects_share_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = np.arange(60, dtype=np.uint16).reshape(1, 6, 10)
    windows = [frame[:, 1:4, 1:5], frame[:, 2:5, 4:8]]
    region = Region(
        name="cell",
        shared=True,
        masks=Ragged.of([np.ones((1, 3, 4), dtype=np.bool_)] * 2),
        background=np.zeros((2, 1)),
    )
    rules = Quality.model_validate(
        [{"metric": "sum", "channel": "DNA", "threshold": {"value": 0, "method": "absolute"}}]
    )
    looked: list[View] = []

    def counting(view: View) -> float:
        looked.append(view)
        return 0

    monkeypatch.setitem(metrics._parts, "sum", MetricDef(function=counting))
    table = measure.measure_metrics(
        Batch.of(windows, channels=["DNA"]), [region], rules=rules.rules, frames=[frame, frame]
    )
    assert table["image__quality_sum__DNA"].to_list() == [0, 0]
    assert len(looked) == 1
