"""Granularity, radial distribution and Zernike moments: by hand, and what they may not depend on."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.core.types import BoolArray, FloatArray, IntArray
from tasks.features.definitions.granularity import SCALES
from tasks.features.definitions.radial_distribution import RINGS
from tasks.features.definitions.zernike import INDEXES, monomials, radial_coefficients
from tasks.features.kernels import circle
from tasks.features.plain.granularity import granularity
from tasks.features.plain.radial_distribution import radial_distribution, sectors_of
from tasks.features.plain.zernike import enclosing_circle, polynomials, radial_zernike, zernike


def squares(*sizes: tuple[int, float]) -> FloatArray:
    """Draw squares of odd sides and given brightness in a row, apart from each other."""
    side = max(size for size, _ in sizes) + 4
    parts = []
    for size, light in sizes:
        part = np.zeros((side, size + 2))
        part[2 : 2 + size, 1 : 1 + size] = light
        parts.append(part)
    return np.concatenate(parts, axis=1)


def test_each_square_is_removed_by_the_radius_that_does_not_fit() -> None:
    # a square of 2r + 1 pixels still holds a diamond of radius r
    pixels = squares((1, 5.0), (3, 2.0), (7, 1.0))
    light = {1: 5.0, 2: 18.0, 4: 49.0}
    spectrum = granularity(pixels, mask=np.ones_like(pixels, dtype=bool), background=0.0)
    expected = [100 * light.get(radius, 0.0) / 72 for radius in range(1, SCALES + 1)]
    np.testing.assert_allclose(spectrum, expected, atol=1e-12)


def test_a_grain_on_a_plateau_is_removed_before_it() -> None:
    pixels = squares((9, 1.0))
    pixels[6, 5] += 3.0
    spectrum = granularity(pixels, mask=np.ones_like(pixels, dtype=bool), background=0.0)
    np.testing.assert_allclose(spectrum[:6], [100 * 3 / 84, 0, 0, 0, 100 * 81 / 84, 0], atol=1e-12)


def test_the_region_stands_on_nothing_whatever_surrounds_it() -> None:
    mask = np.zeros((11, 11), dtype=bool)
    mask[3:8, 3:8] = True
    spectrum = granularity(np.full((11, 11), 7.0), mask=mask, background=2.0)
    assert spectrum.tolist() == [0.0, 0.0, 100.0, *([0.0] * (SCALES - 3))]


def test_the_frame_takes_nothing_away() -> None:
    mask = np.zeros((30, 30), dtype=bool)
    mask[:, :7] = True
    # cut off by three sides: only the fourth is eroded, and after 7 steps all is gone
    spectrum = granularity(np.ones((30, 30)), mask=mask, background=0.0)
    assert spectrum.argmax() == 6
    assert np.nansum(spectrum) == pytest.approx(100)


@pytest.mark.parametrize("background", [10.0, 3.0, np.nan, np.inf])
def test_nothing_above_the_background_has_no_spectrum(background: float) -> None:
    pixels, mask = np.full((5, 5), 3.0), np.ones((5, 5), dtype=bool)
    assert np.isnan(granularity(pixels, mask=mask, background=background)).all()


def test_what_is_missing_is_nan() -> None:
    pixels, mask = np.ones((5, 5)), np.ones((5, 5), dtype=bool)
    pixels[2, 2] = np.nan
    assert np.isnan(granularity(pixels, mask=mask, background=0.0)).all()
    assert np.isnan(granularity(pixels, mask=np.zeros_like(mask), background=0.0)).all()
    mask[2, 2] = False
    assert np.isfinite(granularity(pixels, mask=mask, background=0.0)).all()


@given(data=st.data())
def test_spectra_are_parts_of_the_whole(data: st.DataObject) -> None:
    shape = data.draw(st.integers(1, 14)), data.draw(st.integers(1, 14))
    pixels = data.draw(hnp.arrays(np.float64, shape, elements=st.integers(0, 9)))
    mask = data.draw(hnp.arrays(np.bool_, shape))
    spectrum = granularity(pixels, mask=mask, background=0.0)
    if np.isfinite(spectrum).all():
        assert (spectrum >= -1e-9).all()
        assert spectrum.sum() <= 100 + 1e-9
        np.testing.assert_allclose(granularity(3 * pixels + 5, mask=mask, background=5.0), spectrum, atol=1e-9)


def disc(side: int, radius: float) -> BoolArray:
    rows, columns = np.ogrid[:side, :side]
    return np.asarray(np.hypot(rows - side // 2, columns - side // 2) <= radius)


def test_rings_of_a_bar() -> None:
    # a row of 9 pixels: each is 1 px from the edge, so the first of them is the centre
    mask = np.pad(np.ones((1, 9), dtype=bool), 1)
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
    rings = radial_distribution(pixels, mask=mask)
    assert rings[:RINGS].sum() == pytest.approx(1)


def test_an_even_region_is_even_in_all_rings() -> None:
    mask = disc(31, 12)
    rings = radial_distribution(np.full((31, 31), 4.0), mask=mask)
    counts = np.bincount(sectors_of(mask)[mask] // 8)
    np.testing.assert_allclose(rings[:4], counts / counts.sum())
    np.testing.assert_allclose(rings[4:8], 1)
    np.testing.assert_allclose(rings[8:], 0, atol=1e-15)


def test_light_in_the_middle_is_in_the_first_ring_and_in_one_eighth_it_varies() -> None:
    mask = disc(31, 12)
    sectors = sectors_of(mask)
    pixels = np.where(sectors // 8 == 0, 3.0, 0.0)
    rings = radial_distribution(pixels, mask=mask)
    assert rings[:4].tolist() == [1, 0, 0, 0]
    assert rings[4] == pytest.approx(mask.sum() / (sectors[mask] // 8 == 0).sum())
    # dark rings have no variation
    assert np.isnan(rings[9:]).all()
    # in one of eight wedges: mean 1/8, deviation √7/8
    rings = radial_distribution(np.where(sectors % 8 == 5, 1.0, 0.0), mask=mask)
    np.testing.assert_allclose(rings[9:], np.sqrt(7))


@pytest.mark.parametrize("mask", [np.zeros((4, 4), dtype=bool), np.ones((4, 4), dtype=bool)])
def test_without_an_edge_there_are_no_rings(mask: BoolArray) -> None:
    sectors = sectors_of(mask)
    assert (sectors == -1).all()
    assert np.isnan(radial_distribution(np.ones((4, 4)), mask=mask)).all()


def test_a_pixel_is_its_own_centre_and_without_light_there_is_no_distribution() -> None:
    mask = disc(9, 3)
    assert np.isnan(radial_distribution(np.zeros((9, 9)), mask=mask)).all()
    assert np.isnan(radial_distribution(-np.ones((9, 9)), mask=mask)).all()
    mask = disc(3, 0)
    rings = radial_distribution(np.full((3, 3), 2.0), mask=mask)
    np.testing.assert_array_equal(rings[:5], [1, 0, 0, 0, 1])
    assert np.isnan(rings[5:8]).all()
    assert rings[8] == 0


def test_radial_polynomials_of_the_literature() -> None:
    assert radial_coefficients(2, 0) == {2: 2, 0: -1}
    assert radial_coefficients(4, 2) == {4: 4, 2: -3}
    assert radial_coefficients(8, 0) == {8: 70, 6: -140, 4: 90, 2: -20, 0: 1}
    assert radial_coefficients(9, 1) == {9: 126, 7: -280, 5: 210, 3: -60, 1: 5}


def test_polynomials_are_orthogonal_on_the_disk() -> None:
    side = 801
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].reshape(2, -1)
    inside = x * x + y * y <= 1
    values = polynomials(x[inside], y[inside])
    products = values @ values.conj().T / inside.sum()
    # the squared norm of degree n is 1/(n + 1) of the disk
    np.testing.assert_allclose(products, np.diag([1 / (n + 1) for n, _ in INDEXES]), atol=5e-3)


def test_products_of_powers_are_the_same_polynomials() -> None:
    x, y = np.random.default_rng(5).uniform(-0.7, 0.7, size=(2, 50))
    powers = np.array([[y**p * x**q for q in range(10)] for p in range(10)])
    real, imaginary = np.tensordot(monomials(), powers, axes=([2, 3], [0, 1]))
    np.testing.assert_allclose(real + 1j * imaginary, polynomials(x, y), atol=1e-13)


def smallest_of_all(mask: BoolArray) -> float:
    """Try all circles through two and three pixels."""
    points = np.argwhere(mask).astype(float)
    if len(points) == 1:
        return 0.0
    best = np.inf
    for a, b in combinations(points, 2):
        center, radius = (a + b) / 2, np.hypot(*(a - b)) / 2
        if np.hypot(*(points - center).T).max() <= radius + 1e-9:
            best = min(best, radius)
    for a, b, c in combinations(points, 3):
        matrix = 2 * np.array([b - a, c - a])
        if abs(np.linalg.det(matrix)) > 1e-9:
            center = np.linalg.solve(matrix, [b @ b - a @ a, c @ c - a @ a])
            radius = np.hypot(*(a - center))
            if np.hypot(*(points - center).T).max() <= radius + 1e-9:
                best = min(best, radius)
    return float(best)


def runs_of(mask: BoolArray) -> IntArray:
    """List the runs of a mask: row, first column, end."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return np.column_stack([starts, ends[:, 1]]).astype(np.int64)


@given(mask=hnp.arrays(np.bool_, st.tuples(st.integers(1, 5), st.integers(1, 5))))
def test_the_circle_is_the_smallest(mask: BoolArray) -> None:
    if not mask.any():
        return
    row, column, radius = enclosing_circle(mask)
    assert np.hypot(*(np.argwhere(mask) - [row, column]).T).max() <= radius + 1e-9
    assert radius == pytest.approx(smallest_of_all(mask), abs=1e-9)
    runs = runs_of(mask)
    compiled = circle.enclosing_circle(runs, len(runs), np.empty((2 * len(mask), 2)))
    np.testing.assert_allclose(compiled, (row, column, radius), atol=1e-9)


def test_a_disc_has_its_first_moment_alone() -> None:
    rows, columns = np.mgrid[:201, :201] - 100
    moments = zernike(np.hypot(rows, columns) <= 95)
    assert moments[0] == pytest.approx(1, abs=1e-3)
    assert np.abs(moments[1:]).max() < 0.02


def test_two_pixels_lie_on_the_circle() -> None:
    # at ρ = 1 every R is 1, and odd orders cancel
    moments = zernike(np.array([[True, False, True]]))
    expected = [0.0 if m % 2 else 2 / np.pi for _, m in INDEXES]
    np.testing.assert_allclose(moments, expected, atol=1e-12)


def test_less_than_two_pixels_have_no_circle() -> None:
    for mask in (np.zeros((3, 3), dtype=bool), np.eye(1, 3, dtype=bool)):
        assert np.isnan(zernike(mask)).all()
        assert np.isnan(radial_zernike(np.ones(mask.shape), mask=mask)).all()


def test_the_phase_of_the_first_order_points_to_the_light() -> None:
    rows, columns = np.mgrid[:61, :61] - 30
    mask = np.hypot(rows, columns) <= 25
    first = len(INDEXES) + INDEXES.index((1, 1))
    for angle in (0.0, 0.7, np.pi / 2, 2.5, -1.9):
        light = 50 + columns * np.cos(angle) + rows * np.sin(angle)
        assert radial_zernike(light, mask=mask)[first] == pytest.approx(angle, abs=1e-9)


def test_what_is_zero_but_for_rounding_has_no_phase() -> None:
    rows, columns = np.mgrid[:61, :61] - 30
    moments = radial_zernike(np.full((61, 61), 0.1), mask=np.hypot(rows, columns) <= 25)
    phases = dict(zip(INDEXES, moments[len(INDEXES) :], strict=True))
    assert all(np.isnan(phases[n, m]) for n, m in INDEXES if m % 4)
    assert phases[0, 0] == pytest.approx(np.pi / 2)


def test_magnitudes_do_not_change_when_the_image_is_turned() -> None:
    rng = np.random.default_rng(6)
    mask = rng.random((20, 26)) < 0.7
    pixels = rng.normal(size=mask.shape)
    moments, turned = radial_zernike(pixels, mask=mask), radial_zernike(np.rot90(pixels), mask=np.rot90(mask))
    np.testing.assert_allclose(moments[: len(INDEXES)], turned[: len(INDEXES)], rtol=1e-9, atol=1e-12)
