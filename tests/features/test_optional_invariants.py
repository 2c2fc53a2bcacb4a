"""The families that are measured where they are listed: what their columns say leaves them unchanged does so."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tasks.core.columns import Column
from tasks.core.types import AnyArray, Batch, FloatArray, Ragged, Region
from tasks.features import Features, feature_columns, measure

Cells = tuple[Batch, list[Region]]
FAMILIES = ("colocalization", "granularity", "radial_distribution", "radial_zernike", "zernike")
REGIONS = [("li", False), ("li.combined", True)]
EACH = pytest.mark.parametrize("family", FAMILIES)


def same(array: AnyArray) -> AnyArray:
    return array


def values_of(
    cells: Cells,
    family: str,
    *,
    change: Callable[[AnyArray], AnyArray] = same,
    move: Callable[[AnyArray], AnyArray] = same,
    scale: float = 1.0,
    shift: float = 0.0,
) -> FloatArray:
    """Measure the cells after their pixels were changed, and pixels and masks moved."""
    batch, regions = cells
    changed = Batch.of([move(change(image)) for image in batch.pixels.unstack()], channels=batch.channels)
    moved = [
        replace(
            region,
            masks=Ragged.of([move(mask) for mask in region.masks.unstack()]),
            background=region.background * scale + shift,
        )
        for region in regions
    ]
    return measure(changed, moved, config=Features(families=(family,)))


def assert_kept(found: FloatArray, expected: FloatArray, *, family: str, claims: set[str]) -> None:
    """Assert that the columns that make one of the claims are unchanged; some must."""
    columns: tuple[Column, ...] = feature_columns(
        config=Features(families=(family,)), channels=("c0", "c1"), regions=REGIONS
    )
    claiming = [number for number, column in enumerate(columns) if claims & set(column.invariances)]
    assert claiming
    for number in claiming:
        difference = found[:, number] - expected[:, number]
        if columns[number].unit == "rad":
            difference = (difference + np.pi) % (2 * np.pi) - np.pi
        size = np.abs(expected[:, number]) if columns[number].unit == "intensity" else 1.0
        assert np.array_equal(np.isnan(found[:, number]), np.isnan(expected[:, number])), columns[number].name
        assert (np.abs(np.nan_to_num(difference)) <= 1e-8 * np.nan_to_num(size) + 1e-9).all(), columns[number].name


@EACH
def test_a_larger_frame(cells: Cells, family: str) -> None:
    def enlarge(image: AnyArray) -> AnyArray:
        filler = 0 if image.dtype == bool else 777
        return np.pad(image, ((0, 0), (3, 8), (9, 1)), constant_values=filler)

    assert_kept(values_of(cells, family, move=enlarge), values_of(cells, family), family=family, claims={"translation"})


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "radial_distribution"])
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns(cells: Cells, family: str, turns: int) -> None:
    def turn(image: AnyArray) -> AnyArray:
        return np.rot90(image, turns, axes=(1, 2))

    expected = values_of(cells, family)
    assert_kept(values_of(cells, family, move=turn), expected, family=family, claims={"rotation", "quarter turn"})


@pytest.mark.parametrize("family", ["colocalization", "granularity"])
def test_a_constant_added_to_the_pixels(cells: Cells, family: str) -> None:
    found = values_of(cells, family, change=lambda image: image + np.uint16(5000), shift=5000)
    assert_kept(found, values_of(cells, family), family=family, claims={"intensity shift"})


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "zernike"])
def test_pixels_of_another_bit_depth(cells: Cells, family: str) -> None:
    found = values_of(cells, family, change=lambda image: image.astype(np.uint32) * 257, scale=257)
    assert_kept(found, values_of(cells, family), family=family, claims={"intensity scale"})


@EACH
@pytest.mark.parametrize("dtype", [np.int32, np.uint64, np.float32, np.float64, ">u2"])
def test_storage_changes_nothing(cells: Cells, family: str, dtype: str) -> None:
    found = values_of(cells, family, change=lambda image: image.astype(dtype))
    assert np.array_equal(found, values_of(cells, family), equal_nan=True)


def test_zernike_moments_of_two_sizes() -> None:
    """A smooth outline drawn in two sizes; pixels allow a hundredth of the disk."""
    rows, columns = np.mgrid[:400, :400]
    found = {}
    for size in (60, 120):
        outline = ((rows - 200) / (0.9 * size)) ** 2 + ((columns - 200 + rows / 4 - 50) / (0.5 * size)) ** 2 < 1
        batch = Batch.of([np.zeros((1, 400, 400))], channels=("c0",))
        region = Region(name="cell", shared=True, masks=Ragged.of([outline[None]]), background=np.zeros((1, 1)))
        found[size] = measure(batch, [region], config=Features(families=("zernike",)))[0]
    np.testing.assert_allclose(found[60], found[120], atol=0.01)
    assert found[60].max() > 0.3
