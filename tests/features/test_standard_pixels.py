"""Intensity, its statistics, and texture of profile ``standard``."""

import re

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage as ndi
from skimage.feature import graycomatrix, graycoprops
from skimage.filters import sobel
from skimage.morphology import disk

from tasks.core.types import BoolArray, FloatArray
from tasks.features.definitions.intensity import SHIFTED, STANDARD, STATISTICS
from tasks.features.definitions.texture import PROPERTIES
from tasks.features.definitions.texture import STANDARD as TEXTURES
from tasks.features.plain.intensity import intensity, mass_displacement, rim
from tasks.features.plain.statistics import statistics
from tasks.features.plain.texture import grey_levels, texture

RNG = np.random.default_rng(7)
PIXELS = RNG.integers(100, 4000, size=(31, 37)).astype(np.float64)
MASK = np.zeros((31, 37), dtype=bool)
MASK[4:25, 9:30] = disk(10)


def named(pixels: FloatArray, mask: BoolArray, *, background: float = 50.5) -> dict[str, float]:
    values = intensity(pixels, mask=mask, background=background)
    return dict(zip((term.stat for term in STANDARD), values.tolist(), strict=True))


def test_the_views_are_statistics_of_their_pixels() -> None:
    features = named(PIXELS, MASK)
    edge = rim(MASK)
    assert 0 < edge.sum() < MASK.sum()
    for prefix, view in (("", PIXELS[MASK]), ("edge_", PIXELS[edge])):
        plain = dict(zip(STATISTICS, statistics(view), strict=True))
        assert {name: features[prefix + name] for name in STATISTICS} == plain
        shifted = dict(zip(STATISTICS, statistics(view - 50.5), strict=True))
        for name in SHIFTED:
            assert features[f"bgcorr_{prefix}{name}"] == shifted[name]
        # what is not repeated would have been the same
        for name in set(STATISTICS) - set(SHIFTED):
            assert shifted[name] == pytest.approx(plain[name])
    assert features["background"] == 50.5


def test_the_rim_is_what_an_erosion_by_a_disk_takes_away() -> None:
    by_distance = np.zeros_like(MASK)
    outside = np.argwhere(~MASK)
    for row, column in np.argwhere(MASK):
        # some pixel outside lies under the disk of radius 6 around this one
        by_distance[row, column] = ((outside - (row, column)) ** 2).sum(axis=1).min() <= 36
    assert np.array_equal(rim(MASK), by_distance)


def test_beyond_the_frame_counts_as_inside() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[:10] = True
    edge = rim(mask)
    assert not edge[:4].any()
    assert edge[4:10].all()
    assert not rim(np.ones((20, 20), dtype=bool)).any()


@pytest.mark.parametrize(
    ("mask", "background", "kind"), [(np.ones_like(MASK), 50.5, ".*edge"), (MASK, np.nan, "bgcorr|background")]
)
def test_a_full_frame_has_no_rim_statistics_and_without_a_background_nothing_is_corrected(
    mask: BoolArray, background: float, kind: str
) -> None:
    features = named(PIXELS, mask, background=background)
    missing = {name for name, value in features.items() if np.isnan(value)}
    assert missing == {name for name in features if re.match(kind, name)} > set()


def test_an_empty_mask_has_neither_intensity_nor_texture() -> None:
    assert np.isnan(intensity(PIXELS, mask=np.zeros_like(MASK), background=3.0)).all()
    assert np.isnan(texture(PIXELS, mask=np.zeros_like(MASK))).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_missing_pixel_in_the_region_leaves_nothing_and_outside_does_not_matter(value: float) -> None:
    pixels = PIXELS.copy()
    pixels[0, 0] = value
    assert named(pixels, MASK) == named(PIXELS, MASK)
    assert textures(pixels, MASK) == textures(PIXELS, MASK)
    pixels[14, 19] = value
    assert np.isnan(list(named(pixels, MASK).values())).all()
    assert np.isnan(texture(pixels, mask=MASK)).all()


def test_mass_displacement_is_the_distance_of_centroids() -> None:
    displacement = named(PIXELS, MASK)["mass_displacement"]
    plain = np.array(ndi.center_of_mass(MASK))
    weighted = np.array(ndi.center_of_mass(np.where(MASK, PIXELS, 0)))
    assert displacement == pytest.approx(np.linalg.norm(plain - weighted))
    # all light in the last of five pixels in a row: two pixels from their middle
    light = np.zeros((1, 5))
    light[0, 4] = 7
    assert mass_displacement(light, mask=np.ones((1, 5), dtype=bool)) == 2
    for value in (0.0, -3.0):  # weights that add up to nothing
        assert np.isnan(mass_displacement(np.full((4, 4), value), mask=np.ones((4, 4), dtype=bool)))


def test_saturated_constant_and_negative_pixels() -> None:
    full = named(np.full_like(PIXELS, 65535), MASK)
    assert full["sum"] == 65535.0 * MASK.sum()
    assert (full["std"], full["mad"]) == (0, 0)
    assert full["mass_displacement"] == pytest.approx(0, abs=1e-12)
    assert np.isnan([full["skewness"], full["kurtosis"]]).all()
    below = named(-PIXELS, MASK)
    above = named(PIXELS, MASK)
    assert below["min"] == -above["max"]
    assert below["skewness"] == pytest.approx(-above["skewness"])


def test_one_pixel_has_an_intensity_and_no_texture() -> None:
    mask = np.zeros_like(MASK)
    mask[3, 3] = True
    assert np.isnan(texture(PIXELS, mask=mask)).all()
    features = named(PIXELS, mask)
    assert features["mean"] == features["edge_mean"] == PIXELS[3, 3]
    assert (features["std"], features["mass_displacement"]) == (0, 0)
    assert np.isnan(features["skewness"])


def statistics_of(values: FloatArray) -> dict[str, float]:
    return dict(zip(STATISTICS, statistics(values).tolist(), strict=True))


@given(st.lists(st.integers(0, 65535), min_size=2, max_size=60).filter(lambda values: len(set(values)) > 1))
def test_every_statistic_is_the_one_of_numpy_or_scipy(values: list[int]) -> None:
    pixels = np.array(values, dtype=np.float64)
    features = statistics_of(pixels)
    expected = {
        "mean": np.mean(pixels), "median": np.median(pixels), "max": np.max(pixels), "min": np.min(pixels),
        "std": np.std(pixels), "mad": scipy.stats.median_abs_deviation(pixels),
        "lower_quartile": np.quantile(pixels, 0.25), "upper_quartile": np.quantile(pixels, 0.75), "sum": np.sum(pixels),
        "skewness": scipy.stats.skew(pixels), "kurtosis": scipy.stats.kurtosis(pixels),
    }  # fmt: skip
    assert list(features) == list(expected)
    assert features == pytest.approx(expected, rel=1e-10, abs=1e-9)


def test_statistics_worked_by_hand() -> None:
    # mean 3, deviations -2 -1 0 3: m2 = 14/4, m3 = 18/4, m4 = 98/4
    features = statistics_of(np.array([1.0, 2.0, 3.0, 6.0]))
    assert features["skewness"] == pytest.approx(4.5 / 3.5**1.5)
    assert features["kurtosis"] == pytest.approx(24.5 / 3.5**2 - 3)
    assert features["mad"] == 1.0  # median 2.5, deviations 1.5 0.5 0.5 3.5
    assert (features["lower_quartile"], features["upper_quartile"]) == (1.75, 3.75)


@pytest.mark.parametrize("value", [0.0, 0.1, -11.5, 600.0 / 7, 65535.0, 1e-200])
@pytest.mark.parametrize("count", [1, 2, 7, 999])
def test_equal_values_have_no_spread_and_no_form(value: float, count: int) -> None:
    features = statistics_of(np.full(count, value))
    assert features["std"] == 0.0
    assert features["mad"] == 0.0
    assert features["mean"] == features["median"] == features["max"] == value
    assert np.isnan([features["skewness"], features["kurtosis"]]).all()


@pytest.mark.parametrize("values", [[], *([1.0, value, 2.0] for value in (np.nan, np.inf, -np.inf, 1e80))])
def test_an_empty_set_and_a_value_that_is_no_number_have_no_statistics(values: list[float]) -> None:
    assert np.isnan(statistics(np.array(values))).all()


def test_tiny_and_huge_values_keep_their_form() -> None:
    shape = np.array([0.0, 1.0, 2.0, 9.0])
    for scale in (1e-140, 1e70):
        assert statistics(shape * scale)[-2:] == pytest.approx(statistics(shape)[-2:])


def textures(pixels: FloatArray, mask: BoolArray) -> dict[str, float]:
    names = ("_".join(filter(None, (term.stat, term.param))) for term in TEXTURES)
    return dict(zip(names, texture(pixels, mask=mask).tolist(), strict=True))


def test_cooccurrence_is_that_of_scikit_image_in_four_directions() -> None:
    features = textures(PIXELS, MASK)
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
            assert features[f"{name}_d{distance}"] == pytest.approx(np.mean(values))
            assert features[f"{name}_std_d{distance}"] == pytest.approx(np.std(values))


def test_stripes_worked_by_hand() -> None:
    # rows of 0 and 10 in turn: levels 0 and 15; three or five rows down is always the other level, right the same
    pixels = np.broadcast_to(np.arange(8)[:, np.newaxis] % 2 * 10.0, (8, 8))
    features = textures(pixels, np.ones((8, 8), dtype=bool))
    for distance in (3, 5):
        assert features[f"contrast_d{distance}"] == pytest.approx(3 / 4 * 15**2)
        assert features[f"contrast_std_d{distance}"] == pytest.approx(np.std([0, 225, 225, 225]))
        assert features[f"correlation_d{distance}"] == pytest.approx((1 - 3) / 4)


def test_the_gradient_is_taken_where_the_neighbourhood_is_whole() -> None:
    features = textures(PIXELS, MASK)
    inner = np.zeros_like(MASK)
    for row, column in np.argwhere(MASK):
        inner[row, column] = MASK[row - 1 : row + 2, column - 1 : column + 2].all()
    values = sobel(PIXELS)[inner]
    assert features["sobel_mean"] == pytest.approx(values.mean())
    assert features["sobel_std"] == pytest.approx(values.std())
    assert (features["sobel_max"], features["sobel_min"]) == pytest.approx((values.max(), values.min()))


def test_beyond_the_frame_no_neighbourhood_is_whole() -> None:
    mask = np.ones((4, 4), dtype=bool)
    pixels = np.zeros((4, 4))
    pixels[:, 2:] = 8
    # only the four pixels in the middle are whole, and all of them see the step of 8
    features = textures(pixels, mask)
    assert features["sobel_min"] == features["sobel_max"] == pytest.approx(8 / np.sqrt(2))
    pixels[0, 0] = 8
    assert textures(pixels, mask)["sobel_min"] < features["sobel_min"]


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
    levels = grey_levels(pixels.astype(np.float64), mask=np.ones((5, 5), dtype=bool))
    assert levels.ravel().tolist() == expected


@pytest.mark.parametrize("factor", [1.0, 257.0, 1 / 255, 1 / 4095, 1 / 65535, 0.1, 1e-12])
@pytest.mark.parametrize("offset", [0.0, 0.1, 7.3])
def test_pixels_upon_the_edge_of_a_level_stay_there_when_they_are_scaled(factor: float, offset: float) -> None:
    # 48 steps: every third value lies on an edge
    values = (np.arange(49.0) + offset)[np.newaxis] * factor
    levels = grey_levels(values, mask=np.ones((1, 49), dtype=bool))
    assert levels.ravel().tolist() == [min(value // 3, 15) for value in range(49)]


def test_grey_levels_span_the_masked_pixels_only() -> None:
    pixels = PIXELS.copy()
    pixels[~MASK] = 60000
    assert np.array_equal(grey_levels(pixels, mask=MASK), grey_levels(PIXELS, mask=MASK))
    assert {0, 15} <= set(grey_levels(PIXELS, mask=MASK)[MASK].tolist())


def test_a_constant_region_has_no_correlation() -> None:
    features = textures(np.full_like(PIXELS, 600 / 7), MASK)
    missing = {name for name, value in features.items() if np.isnan(value)}
    assert missing == {name for name in features if name.startswith("correlation")}
    assert (features["contrast_d3"], features["energy_d3"], features["homogeneity_d5"]) == (0, 1, 1)
    assert (features["sobel_mean"], features["sobel_std"], features["sobel_max"]) == (0, 0, 0)


def test_directions_without_a_pair_have_no_part() -> None:
    # a row of six pixels: pairs to the right only
    mask = np.zeros_like(MASK)
    mask[7, 4:10] = True
    features = textures(PIXELS, mask)
    levels = grey_levels(PIXELS, mask=mask)[7, 4:10]
    assert features["contrast_d3"] == pytest.approx(np.mean((levels[3:] - levels[:-3]) ** 2))
    assert features["contrast_std_d3"] == 0
    assert features["contrast_d5"] == (levels[5] - levels[0]) ** 2
    assert np.isnan(features["sobel_mean"])
