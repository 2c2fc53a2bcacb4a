"""Granularity: hand-worked spectra, and what they may not depend on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.core.types import FloatArray
from tasks.features.definitions.granularity import SCALES
from tasks.features.plain.granularity import granularity


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
    found = granularity(pixels, mask=np.ones_like(pixels, dtype=bool), background=0.0)
    expected = [100 * light.get(radius, 0.0) / 72 for radius in range(1, SCALES + 1)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_grain_on_a_plateau_is_removed_before_it() -> None:
    pixels = squares((9, 1.0))
    pixels[6, 5] += 3.0
    found = granularity(pixels, mask=np.ones_like(pixels, dtype=bool), background=0.0)
    np.testing.assert_allclose(found[:6], [100 * 3 / 84, 0, 0, 0, 100 * 81 / 84, 0], atol=1e-12)


def test_the_region_stands_on_nothing_whatever_surrounds_it() -> None:
    mask = np.zeros((11, 11), dtype=bool)
    mask[3:8, 3:8] = True
    found = granularity(np.full((11, 11), 7.0), mask=mask, background=2.0)
    assert found.tolist() == [0.0, 0.0, 100.0, *([0.0] * (SCALES - 3))]


def test_the_frame_takes_nothing_away() -> None:
    mask = np.zeros((30, 30), dtype=bool)
    mask[:, :7] = True
    # cut off by three sides: only the fourth is eroded, and after 7 steps all is gone
    found = granularity(np.ones((30, 30)), mask=mask, background=0.0)
    assert found.argmax() == 6
    assert np.nansum(found) == pytest.approx(100)


@pytest.mark.parametrize("background", [10.0, 3.0, np.nan, np.inf])
def test_nothing_above_the_background_has_no_spectrum(background: float) -> None:
    assert np.isnan(granularity(np.full((5, 5), 3.0), mask=np.ones((5, 5), dtype=bool), background=background)).all()


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
    found = granularity(pixels, mask=mask, background=0.0)
    if np.isfinite(found).all():
        assert (found >= -1e-9).all()
        assert found.sum() <= 100 + 1e-9
        np.testing.assert_allclose(granularity(3 * pixels + 5, mask=mask, background=5.0), found, atol=1e-9)
