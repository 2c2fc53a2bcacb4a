"""The compiled operations against those of scipy and scikit-image: equal where whole numbers, else nearly."""

from types import ModuleType
from typing import cast

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from tasks.core.types import AnyArray, BoolArray
from tasks.segment import cpu, plain
from tasks.segment.levels import BINS, level_of
from tasks.segment.operations import Operations

SHAPES = pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (3, 5), (40, 50), (97, 131)])
FLOAT32 = 3e-7
"""Some roundings of numbers up to 1."""


def image_of(shape: tuple[int, int], *, sigma: float = 0.0) -> AnyArray:
    noise = np.random.default_rng(shape[1]).random(shape)
    return np.asarray(ndimage.gaussian_filter(noise, sigma).astype(np.float32) + np.float32(1e-3))


def mask_of(shape: tuple[int, int]) -> BoolArray:
    image = image_of(shape, sigma=2)
    return np.asarray(image > np.quantile(image, 0.4), dtype=np.bool_)


def labels_of(shape: tuple[int, int]) -> AnyArray:
    """Objects of several pieces, with holes, side by side."""
    rng = np.random.default_rng(7)
    coarse = np.kron(rng.integers(0, 30, (shape[0] // 5 + 1, shape[1] // 5 + 1)), np.ones((5, 5), dtype=int))
    return np.where(rng.random(shape) < 0.1, 0, coarse[: shape[0], : shape[1]]).astype(np.int32)


@pytest.mark.parametrize("module", [cpu, plain])
def test_all_operations_are_there(module: ModuleType) -> None:
    names = [name for name in vars(Operations) if not name.startswith("_")]
    assert [name for name in names if not hasattr(module, name)] == []
    assert cast("Operations", module).xp is np


@pytest.mark.parametrize("dtype", ["?", "u1", "u2", ">u2", "i4", "u8", "f2", "f4", "f8"])
def test_scaling_is_equal_to_the_bit(dtype: str) -> None:
    plane = (200 * image_of((40, 50))).astype(dtype) if dtype != "?" else image_of((40, 50)) > 0.5
    plane.setflags(write=False)
    for view in (plane, plane[::-1, ::2]):
        got, expected = cpu.scale(view), plain.scale(view)
        assert got is not None
        assert expected is not None
        assert_array_equal(got[0], expected[0])
        assert got[1] is expected[1] is None


def test_values_that_are_not_finite_are_the_lowest() -> None:
    plane = image_of((9, 11)).astype(np.float64)
    plane[2:4, 5], plane[7, 7] = np.nan, np.inf
    got, expected = cpu.scale(plane), plain.scale(plane)
    assert got is not None
    assert expected is not None
    assert_array_equal(got[0], expected[0])
    assert_array_equal(got[1], np.isfinite(plane))
    assert cpu.scale(np.full((2, 2), np.nan)) is None
    assert cpu.scale(np.array([[1.0, np.nan], [1.0, -np.inf]])) is None
    assert cpu.scale(np.array([[-1.7e308, 1.7e308]])) is not None


@SHAPES
@pytest.mark.parametrize(("sigma", "error"), [(0.5, FLOAT32), (2.5, FLOAT32), (8.0, FLOAT32), (13.3, 2e-3), (70, 2e-3)])
def test_gaussian(shape: tuple[int, int], sigma: float, error: float) -> None:
    image = image_of(shape)
    assert_allclose(cpu.gaussian(image, sigma=sigma), plain.gaussian(image, sigma=sigma), rtol=0, atol=error)


@SHAPES
def test_sobel_noise_and_distance(shape: tuple[int, int]) -> None:
    image, mask = image_of(shape), mask_of(shape)
    assert_allclose(cpu.sobel(image), plain.sobel(image), rtol=0, atol=FLOAT32)
    if mask.any():
        assert cpu.noise(image, mask=mask) == pytest.approx(plain.noise(image, mask=mask), rel=1e-5)
    for area in (mask, ~mask):
        if not area.all():
            assert_array_equal(cpu.distance(area), plain.distance(area))


@SHAPES
def test_histogram_and_medians(shape: tuple[int, int]) -> None:
    image = image_of(shape) - np.float32(0.5)
    got, expected = cpu.histogram(image, bins=BINS), plain.histogram(image, bins=BINS)
    assert (got.low, got.high) == (expected.low, expected.high)
    if image.size > 1:
        assert got.counts.sum() == image.size
        # a value at an edge may fall on either side of it
        assert np.abs(np.cumsum(got.counts - expected.counts)).max() <= 2
        for threshold in ("li", "otsu", "triangle"):
            assert level_of(got, threshold=threshold) == pytest.approx(
                level_of(expected, threshold=threshold), abs=1e-4
            )
    for mask in (np.ones(shape, dtype=np.bool_), image <= 0):
        if mask.any():
            assert cpu.median(image, mask=mask) == plain.median(image, mask=mask)


@SHAPES
def test_pieces(shape: tuple[int, int]) -> None:
    mask, labels = mask_of(shape), labels_of(shape)
    for area in (0, 3, 20):
        assert_array_equal(cpu.remove_small_holes(mask, area=area), plain.remove_small_holes(mask, area=area))
    assert_array_equal(cpu.label(mask), plain.label(mask))
    assert_array_equal(cpu.largest_pieces(labels), plain.largest_pieces(labels))
    assert_array_equal(cpu.fill_holes(labels), plain.fill_holes(labels))
    assert_array_equal(cpu.fill_holes(mask.astype(np.int32)), plain.fill_holes(mask.astype(np.int32)))


@SHAPES
def test_what_is_per_object(shape: tuple[int, int]) -> None:
    image, labels = image_of(shape), labels_of(shape)
    keep = np.arange(labels.max() + 1) % 3 != 1
    assert_array_equal(cpu.areas(labels), plain.areas(labels))
    assert_array_equal(cpu.at_frame(labels), plain.at_frame(labels))
    assert_array_equal(cpu.raster_order(labels), plain.raster_order(labels))
    assert_array_equal(cpu.raster_order(labels, keep=keep), plain.raster_order(labels, keep=keep))
    assert_array_equal(cpu.relabel(labels, numbers=3 * keep), plain.relabel(labels, numbers=3 * keep))
    for q in (0, 0.3, 0.5, 0.9, 1):
        medians = cpu.quantiles(labels, image=image, q=q)
        assert_allclose(medians, plain.quantiles(labels, image=image, q=q), rtol=1e-12)
    above = cpu.keep_above(labels, image=image, least=medians / 2)
    assert_array_equal(above, plain.keep_above(labels, image=image, least=medians / 2))


@SHAPES
@pytest.mark.parametrize("neck", [0.5, 0.8, 0.93, 0.99])
def test_each_clear_peak_has_one_mark(shape: tuple[int, int], neck: float) -> None:
    height, mask = image_of(shape, sigma=1.5), mask_of(shape)
    for area in (mask, np.ones_like(mask)):
        got, expected = cpu.peaks(height, mask=area, neck=neck), plain.peaks(height, mask=area, neck=neck)
        # these mark all of what is connected above the neck, and number the same in another order
        assert_array_equal(np.sort(expected[got > 0]), np.arange(1, expected.max() + 1))


@SHAPES
@pytest.mark.parametrize("range_", [0.01, 1.0, 1e3])
def test_arrival_and_its_trace(shape: tuple[int, int], range_: float) -> None:
    rng = np.random.default_rng(11)
    mask = mask_of(shape) | (rng.random(shape) < 0.3)
    cost = (range_ * rng.random(shape) + 0.05).astype(np.float32)
    seeds = (((rng.random(shape) < 0.03) & mask) * rng.integers(1, 5, shape)).astype(np.int32)
    got, expected = (module.arrival(cost, seeds=seeds, mask=mask) for module in (cpu, plain))
    assert_array_equal(np.isfinite(got), np.isfinite(expected))
    assert_allclose(got, expected, rtol=1e-5)
    labels = cpu.trace(got, cost=cost, seeds=seeds, mask=mask)
    assert_array_equal(labels, plain.trace(got, cost=cost, seeds=seeds, mask=mask))
    assert_array_equal(labels > 0, np.isfinite(got))
    assert_array_equal(labels[seeds > 0], seeds[seeds > 0])


def test_threshold_of_two_classes_lies_between_them() -> None:
    values = np.random.default_rng(0).normal(0.2, 0.02, 4000), np.random.default_rng(1).normal(0.8, 0.02, 600)
    image = np.concatenate(values).astype(np.float32).reshape(46, 100)
    for threshold in ("li", "otsu", "triangle"):
        assert 0.22 < level_of(cpu.histogram(image, bins=BINS), threshold=threshold) < 0.75
