"""Texture of profile ``standard``."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import graycomatrix, graycoprops
from skimage.filters import sobel
from skimage.morphology import disk

from tasks.core.types import BoolArray, FloatArray
from tasks.features.definitions.texture import PROPERTIES, STANDARD
from tasks.features.plain.texture import grey_levels, texture

RNG = np.random.default_rng(11)
PIXELS = RNG.integers(100, 4000, size=(31, 37)).astype(np.float64)
MASK = np.zeros((31, 37), dtype=bool)
MASK[4:25, 9:30] = disk(10)


def named(pixels: FloatArray, mask: BoolArray) -> dict[str, float]:
    names = ("_".join(filter(None, (term.stat, term.param))) for term in STANDARD)
    return dict(zip(names, texture(pixels, mask=mask).tolist(), strict=True))


def test_cooccurrence_is_that_of_scikit_image_in_four_directions() -> None:
    found = named(PIXELS, MASK)
    low, high = PIXELS[MASK].min(), PIXELS[MASK].max()
    levels = np.minimum(16 * (PIXELS - low) // (high - low), 15)
    outside = np.where(MASK, levels, 16).astype(np.uint8)
    for distance in (3, 5):
        # scikit-image rounds d·sin and d·cos, so diagonal steps need a distance √2 larger
        steps = [(distance, 0.0), (distance * np.sqrt(2), np.pi / 4), (distance, np.pi / 2)]
        steps.append((distance * np.sqrt(2), 3 * np.pi / 4))
        matrices = [graycomatrix(outside, [d], [angle], levels=17, symmetric=True)[:-1, :-1] for d, angle in steps]
        for name in PROPERTIES:
            values = [graycoprops(matrix, name).item() for matrix in matrices]
            assert found[f"{name}_d{distance}"] == pytest.approx(np.mean(values))
            assert found[f"{name}_std_d{distance}"] == pytest.approx(np.std(values))


def test_stripes_worked_by_hand() -> None:
    # rows of 0 and 10 in turn: levels 0 and 15; three or five rows down is always the other level, right the same
    pixels = np.broadcast_to(np.arange(8)[:, np.newaxis] % 2 * 10.0, (8, 8))
    found = named(pixels, np.ones((8, 8), dtype=bool))
    for distance in (3, 5):
        assert found[f"contrast_d{distance}"] == pytest.approx(3 / 4 * 15**2)
        assert found[f"contrast_std_d{distance}"] == pytest.approx(np.std([0, 225, 225, 225]))
        assert found[f"correlation_d{distance}"] == pytest.approx((1 - 3) / 4)


def test_the_gradient_is_taken_where_the_neighbourhood_is_whole() -> None:
    found = named(PIXELS, MASK)
    whole = np.zeros_like(MASK)
    for row, column in np.argwhere(MASK):
        whole[row, column] = MASK[row - 1 : row + 2, column - 1 : column + 2].all()
    values = sobel(PIXELS)[whole]
    assert found["sobel_mean"] == pytest.approx(values.mean())
    assert found["sobel_std"] == pytest.approx(values.std())
    assert (found["sobel_max"], found["sobel_min"]) == pytest.approx((values.max(), values.min()))


def test_beyond_the_frame_no_neighbourhood_is_whole() -> None:
    mask = np.ones((4, 4), dtype=bool)
    pixels = np.zeros((4, 4))
    pixels[:, 2:] = 8
    # only the four pixels in the middle are whole, and all of them see the step of 8
    found = named(pixels, mask)
    assert found["sobel_min"] == found["sobel_max"] == pytest.approx(8 / np.sqrt(2))
    pixels[0, 0] = 8
    assert named(pixels, mask)["sobel_min"] < found["sobel_min"]


@given(
    arrays(np.uint16, (6, 7), elements=st.integers(0, 65535)),
    st.sampled_from([257.0, 2.0**-16, 1 / 65535, 1 / 255, 3.7]),
    st.integers(-70000, 70000),
)
def test_grey_levels_depend_neither_on_scale_nor_on_offset_nor_on_storage(
    pixels: FloatArray, scale: float, shift: int
) -> None:
    mask = np.ones(pixels.shape, dtype=bool)
    plain = pixels.astype(np.float64)
    levels = grey_levels(plain, mask=mask)
    assert np.array_equal(levels, grey_levels(plain * 257, mask=mask))
    assert np.array_equal(levels, grey_levels(pixels.astype(np.float32).astype(np.float64), mask=mask))
    assert np.array_equal(levels, grey_levels((plain + shift) * scale, mask=mask))


@given(arrays(np.uint16, (5, 5), elements=st.integers(0, 65535)))
def test_grey_levels_are_the_fixed_bin_number_in_whole_numbers(pixels: FloatArray) -> None:
    values = [int(value) for value in pixels.ravel()]
    low, high = min(values), max(values)
    expected = [min(16 * (value - low) // (high - low), 15) if high > low else 0 for value in values]
    found = grey_levels(pixels.astype(np.float64), mask=np.ones((5, 5), dtype=bool))
    assert found.ravel().tolist() == expected


@pytest.mark.parametrize("factor", [1.0, 257.0, 1 / 255, 1 / 4095, 1 / 65535, 0.1, 1e-12])
@pytest.mark.parametrize("offset", [0.0, 0.1, 7.3])
def test_pixels_upon_the_edge_of_a_level_stay_there_when_they_are_scaled(factor: float, offset: float) -> None:
    # 48 steps: every third value lies on an edge
    values = (np.arange(49.0) + offset)[np.newaxis] * factor
    found = grey_levels(values, mask=np.ones((1, 49), dtype=bool))
    assert found.ravel().tolist() == [min(value // 3, 15) for value in range(49)]


def test_grey_levels_span_the_masked_pixels_only() -> None:
    pixels = PIXELS.copy()
    pixels[~MASK] = 60000
    assert np.array_equal(grey_levels(pixels, mask=MASK), grey_levels(PIXELS, mask=MASK))
    assert {0, 15} <= set(grey_levels(PIXELS, mask=MASK)[MASK].tolist())


def test_a_constant_region_has_no_correlation() -> None:
    found = named(np.full_like(PIXELS, 600 / 7), MASK)
    missing = {name for name, value in found.items() if np.isnan(value)}
    assert missing == {name for name in found if name.startswith("correlation")}
    assert (found["contrast_d3"], found["energy_d3"], found["homogeneity_d5"]) == (0, 1, 1)
    assert (found["sobel_mean"], found["sobel_std"], found["sobel_max"]) == (0, 0, 0)


def test_directions_without_a_pair_are_left_out() -> None:
    # a row of six pixels: pairs to the right only
    mask = np.zeros_like(MASK)
    mask[7, 4:10] = True
    found = named(PIXELS, mask)
    levels = grey_levels(PIXELS, mask=mask)[7, 4:10]
    assert found["contrast_d3"] == pytest.approx(np.mean((levels[3:] - levels[:-3]) ** 2))
    assert found["contrast_std_d3"] == 0
    assert found["contrast_d5"] == (levels[5] - levels[0]) ** 2
    assert np.isnan(found["sobel_mean"])


def test_one_pixel_has_no_texture() -> None:
    mask = np.zeros_like(MASK)
    mask[0, 0] = True
    assert np.isnan(texture(PIXELS, mask=mask)).all()


def test_an_empty_mask_has_no_texture() -> None:
    assert np.isnan(texture(PIXELS, mask=np.zeros_like(MASK))).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_missing_pixel_in_the_region_leaves_nothing_and_outside_does_not_matter(value: float) -> None:
    pixels = PIXELS.copy()
    pixels[0, 0] = value
    assert named(pixels, MASK) == named(PIXELS, MASK)
    pixels[14, 19] = value
    assert np.isnan(texture(pixels, mask=MASK)).all()
