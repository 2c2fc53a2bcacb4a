"""Zernike moments: the polynomials, the circle, and regions whose moments are known."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.core.types import BoolArray, IntArray
from tasks.features.definitions.zernike import INDEXES, monomials, radial_coefficients
from tasks.features.kernels import circle
from tasks.features.plain.zernike import enclosing_circle, polynomials, radial_zernike, zernike


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
    for one, two in combinations(points, 2):
        center, radius = (one + two) / 2, np.hypot(*(one - two)) / 2
        if np.hypot(*(points - center).T).max() <= radius + 1e-9:
            best = min(best, radius)
    for one, two, three in combinations(points, 3):
        matrix = 2 * np.array([two - one, three - one])
        if abs(np.linalg.det(matrix)) > 1e-9:
            center = np.linalg.solve(matrix, [two @ two - one @ one, three @ three - one @ one])
            radius = np.hypot(*(one - center))
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
    found = zernike(np.hypot(rows, columns) <= 95)
    assert found[0] == pytest.approx(1, abs=1e-3)
    assert np.abs(found[1:]).max() < 0.02


def test_two_pixels_lie_on_the_circle() -> None:
    # at ρ = 1 every R is 1, and odd orders cancel
    found = zernike(np.array([[True, False, True]]))
    expected = [0.0 if m % 2 else 2 / np.pi for _, m in INDEXES]
    np.testing.assert_allclose(found, expected, atol=1e-12)


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
    found = radial_zernike(np.full((61, 61), 0.1), mask=np.hypot(rows, columns) <= 25)
    phases = dict(zip(INDEXES, found[len(INDEXES) :], strict=True))
    assert all(np.isnan(phases[n, m]) for n, m in INDEXES if m % 4)
    assert phases[0, 0] == pytest.approx(np.pi / 2)


def test_magnitudes_do_not_change_when_the_image_is_turned() -> None:
    rng = np.random.default_rng(6)
    mask = rng.random((20, 26)) < 0.7
    pixels = rng.normal(size=mask.shape)
    found, turned = radial_zernike(pixels, mask=mask), radial_zernike(np.rot90(pixels), mask=np.rot90(mask))
    np.testing.assert_allclose(found[: len(INDEXES)], turned[: len(INDEXES)], rtol=1e-9, atol=1e-12)
