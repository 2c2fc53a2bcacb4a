"""Radial distribution: rings and wedges by hand."""

import numpy as np
import pytest

from tasks.core.types import BoolArray
from tasks.features.definitions.radial_distribution import RINGS
from tasks.features.plain.radial_distribution import radial_distribution, sectors_of


def disc(side: int, radius: float) -> BoolArray:
    rows, columns = np.ogrid[:side, :side]
    return np.asarray(np.hypot(rows - side // 2, columns - side // 2) <= radius)


def test_rings_of_a_bar() -> None:
    # a row of 9 pixels: each is 1 px from the edge, so the first of them is the centre
    mask = np.zeros((3, 11), dtype=bool)
    mask[1, 1:10] = True
    sectors = sectors_of(mask)
    assert (sectors >= 0).tolist() == mask.tolist()
    # 4 p/(p + 1.001) for p = 0, 1, 2 …: 0, 1.99, 2.66, 2.999, 3.2
    assert (sectors[1, 1:10] // 8).tolist() == [0, 1, 2, 2, 3, 3, 3, 3, 3]
    # to the right, and no farther down than across
    assert (sectors[1, 2:10] % 8 == 2).all()


def test_a_way_leads_around_a_corner_and_not_into_another_component() -> None:
    mask = np.zeros((12, 12), dtype=bool)
    mask[1:6, 1:6] = True
    mask[9:11, 9:11] = True
    sectors = sectors_of(mask)
    assert sectors[3, 3] == 0
    assert (sectors[9:11, 9:11] == -1).all()
    pixels = np.where(mask, 1.0, 0.0)
    found = radial_distribution(pixels, mask=mask)
    assert found[:RINGS].sum() == pytest.approx(1)


def test_an_even_region_is_even_in_all_rings() -> None:
    mask = disc(31, 12)
    found = radial_distribution(np.full((31, 31), 4.0), mask=mask)
    counts = np.bincount(sectors_of(mask)[mask] // 8)
    np.testing.assert_allclose(found[:4], counts / counts.sum())
    np.testing.assert_allclose(found[4:8], 1)
    np.testing.assert_allclose(found[8:], 0, atol=1e-15)


def test_light_in_the_middle_is_in_the_first_ring() -> None:
    mask = disc(31, 12)
    sectors = sectors_of(mask)
    pixels = np.where(sectors // 8 == 0, 3.0, 0.0)
    found = radial_distribution(pixels, mask=mask)
    assert found[:4].tolist() == [1, 0, 0, 0]
    assert found[4] == pytest.approx(mask.sum() / (sectors[mask] // 8 == 0).sum())
    # dark rings have no variation
    assert np.isnan(found[9:]).all()


def test_one_bright_eighth() -> None:
    mask = disc(31, 12)
    sectors = sectors_of(mask)
    # in one of eight wedges: mean 1/8, deviation √7/8
    found = radial_distribution(np.where(sectors % 8 == 5, 1.0, 0.0), mask=mask)
    np.testing.assert_allclose(found[9:], np.sqrt(7))


@pytest.mark.parametrize("mask", [np.zeros((4, 4), dtype=bool), np.ones((4, 4), dtype=bool)])
def test_without_an_edge_there_are_no_rings(mask: BoolArray) -> None:
    sectors = sectors_of(mask)
    assert (sectors == -1).all()
    assert np.isnan(radial_distribution(np.ones((4, 4)), mask=mask)).all()


def test_a_pixel_is_its_own_centre() -> None:
    mask = np.zeros((3, 3), dtype=bool)
    mask[1, 1] = True
    found = radial_distribution(np.full((3, 3), 2.0), mask=mask)
    np.testing.assert_array_equal(found[:5], [1, 0, 0, 0, 1])
    assert np.isnan(found[5:8]).all()
    assert found[8] == 0


def test_without_light_there_is_no_distribution() -> None:
    mask = disc(9, 3)
    assert np.isnan(radial_distribution(np.zeros((9, 9)), mask=mask)).all()
    assert np.isnan(radial_distribution(-np.ones((9, 9)), mask=mask)).all()
