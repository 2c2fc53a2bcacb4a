"""The families of grey levels and of the IBSI's statistics: names, invariances, what is missing, hand-worked cases."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from skimage.filters import threshold_li
from tifffile import imread

from tasks.core.types import Batch, BoolArray, FloatArray, Ragged, Region
from tasks.features import Features, feature_columns, measure
from tasks.features.definitions.histogram import HISTOGRAM
from tasks.features.definitions.levels import LEVELS
from tasks.features.definitions.pairs import HARALICK_NAMES, MEASURES
from tasks.features.family import families_of
from tasks.features.names import rename
from tasks.features.plain.emphases import emphases
from tasks.features.plain.histogram import histogram_statistics, intensity_statistics
from tasks.features.plain.levels import level_image
from tasks.features.plain.pairs import glcm, haralick, pair_measures, pairs_of_levels
from tasks.features.plain.tone_differences import tone_differences
from tasks.features.plain.zones import dependences, run_lengths, zone_distances, zone_sizes

Cells = tuple[Batch, list[Region]]
COUNTS = {
    "glcm": 25, "gldzm": 16, "glrlm": 16, "glszm": 16, "haralick": 26, "histogram": 23, "ibsi_intensity": 18,
    "ngldm": 17, "ngtdm": 5,
}  # fmt: skip
CONFIG = Features(families=tuple(COUNTS))
REGIONS = [("li", False), ("li.combined", True)]


def test_numbers_of_columns_and_their_descriptions() -> None:
    columns = feature_columns(config=CONFIG, channels=["DNA"], regions=[("nucleus", True)])
    assert {name: sum(column.family == name for column in columns) for name in COUNTS} == COUNTS
    for column in columns:
        assert column.definition.endswith("."), column.name
        assert ". " not in column.definition, column.name
        assert column.definition[0].isupper() or column.definition[0].isdigit(), column.name
        assert column.reference, column.name
    for family in COUNTS:
        own = [column for column in columns if column.family == family]
        assert len({column.definition for column in own}) == len(own), family


def test_names_in_both_spellings() -> None:
    columns = feature_columns(config=CONFIG, channels=["DNA"], regions=[("nucleus", True)])
    native, cytominer = rename(columns, names="native"), rename(columns, names="cytominer")
    assert {
        ("nucleus__glcm_joint_maximum_d1__DNA", "Nuclei_GLCM_JointMaximum_d1_DNA"),
        ("nucleus__glrlm_short_run_emphasis__DNA", "Nuclei_GLRLM_ShortRunEmphasis_DNA"),
        ("nucleus__gldzm_zone_distance_variance__DNA", "Nuclei_GLDZM_ZoneDistanceVariance_DNA"),
        ("nucleus__ngtdm_coarseness__DNA", "Nuclei_NGTDM_Coarseness_DNA"),
        ("nucleus__histogram_mode__DNA", "Nuclei_Histogram_Mode_DNA"),
        ("nucleus__ibsi_intensity_energy__DNA", "Nuclei_IBSIIntensity_Energy_DNA"),
        ("nucleus__haralick_angular_second_moment_d3__DNA", "Nuclei_Texture_AngularSecondMoment_DNA_3_Mean_16"),
        ("nucleus__haralick_info_meas1_range_d3__DNA", "Nuclei_Texture_InfoMeas1_DNA_3_Range_16"),
    } <= set(zip(native, cytominer, strict=True))
    with_texture = Features(families=("texture", *COUNTS))
    every = feature_columns(config=with_texture, channels=["DNA"], regions=[("nucleus", True)])
    assert len(set(rename(every, names="cytominer"))) == len(every)


def single(mask: BoolArray, pixels: FloatArray) -> dict[str, float]:
    region = Region(name="cell", shared=True, masks=Ragged.of([mask[np.newaxis]]), background=np.zeros((1, 1)))
    batch = Batch.of([pixels[np.newaxis]], channels=["c"])
    columns = feature_columns(config=CONFIG, channels=["c"], regions=[("cell", True)])
    features = measure(batch, [region], config=CONFIG)[0]
    return {f"{c.family}:{c.stat}": value for c, value in zip(columns, features.tolist(), strict=True)}


def test_one_level_has_no_correlation_and_no_differences_of_tone() -> None:
    features = single(np.ones((6, 7), dtype=bool), np.full((6, 7), 600 / 7))
    assert {name for name, value in features.items() if np.isnan(value)} == {
        "glcm:correlation", "glcm:information_correlation_1", "haralick:correlation", "haralick:correlation_range",
        "haralick:info_meas1", "haralick:info_meas1_range", "histogram:skewness", "histogram:kurtosis",
        "ibsi_intensity:skewness", "ibsi_intensity:kurtosis", "ngtdm:coarseness", "ngtdm:contrast", "ngtdm:busyness",
        "ngtdm:strength",
    }  # fmt: skip
    expected = {
        "glcm:joint_maximum": 1, "glcm:joint_average": 1, "glcm:joint_entropy": 0, "haralick:contrast": 0,
        "glszm:large_zone_emphasis": 42**2, "glszm:percentage": 1 / 42, "gldzm:small_distance_emphasis": 1,
        "histogram:max": 1, "histogram:uniformity": 1, "histogram:min_gradient": -42, "ibsi_intensity:variance": 0,
        "ngtdm:complexity": 0,
    }  # fmt: skip
    assert {name: features[name] for name in expected} == expected


def test_one_pixel_has_neither_pairs_nor_neighbours() -> None:
    mask = np.zeros((5, 5), dtype=bool)
    mask[4, 4] = True
    features = single(mask, np.arange(25.0).reshape(5, 5))
    missing = {name.split(":")[0] for name, value in features.items() if np.isnan(value)}
    assert missing == {"glcm", "haralick", "ngtdm", "histogram", "ibsi_intensity"}
    assert all(np.isnan(v) for name, v in features.items() if name.startswith(("glcm:", "haralick:", "ngtdm:")))
    assert features["glrlm:percentage"] == features["glszm:percentage"] == features["ngldm:percentage"] == 1
    assert features["ibsi_intensity:mean"] == features["ibsi_intensity:percentile_10"] == 24


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e80])
def test_nothing_is_measured_of_an_empty_mask_or_of_a_pixel_that_is_no_number(value: float) -> None:
    pixels = np.arange(30.0).reshape(5, 6)
    pixels[2, 2] = value
    assert all(np.isnan(feature) for feature in single(np.ones((5, 6), dtype=bool), pixels).values())
    assert all(np.isnan(feature) for feature in single(np.zeros((5, 6), dtype=bool), pixels).values())
    outside = np.ones((5, 6), dtype=bool)
    outside[2, 2] = False
    assert not np.isnan(single(outside, pixels)["glcm:contrast"])


def test_level_images_begin_with_one_in_the_mask_and_directions_without_a_pair_are_left_out() -> None:
    mask = np.array([[True, True, False, True]])
    assert level_image(np.array([[3.0, 11.0, 90.0, 19.0]]), mask=mask).tolist() == [[1, 9, 0, 16]]
    levels = np.array([[1, 2, 4, 8, 16]])
    along = pair_measures(pairs_of_levels(levels, number=LEVELS, distance=1)[0])
    assert np.array_equal(glcm(levels, number=LEVELS), along)
    # 3 px apart: 1 and 8, 2 and 16
    features = haralick(levels, number=LEVELS)
    assert features[list(HARALICK_NAMES).index("contrast")] == pytest.approx((7**2 + 14**2) / 2)
    assert np.array_equal(features[13:], np.zeros(13))


def test_independent_levels_have_no_information_about_each_other() -> None:
    features = dict(zip(MEASURES, pair_measures(np.full((2, 2), 5)).tolist(), strict=True))
    for name in ("correlation", "information_correlation_1", "information_correlation_2"):
        assert features[name] == pytest.approx(0, abs=1e-7)


IMAGE = np.array([[1, 1, 2], [2, 1, 0], [2, 2, 2]])


def test_runs_zones_distances_and_dependences_worked_by_hand() -> None:
    right, down_right, down, down_left = run_lengths(IMAGE, number=2).tolist()
    assert right == [[1, 1, 0], [2, 0, 1]]
    assert down_right == [[1, 1, 0], [3, 1, 0]]
    assert down == [[1, 1, 0], [3, 1, 0]]
    assert down_left == [[3, 0, 0], [5, 0, 0]]
    assert zone_sizes(IMAGE, number=2).tolist() == [[0, 0, 1, 0], [1, 0, 0, 1]]
    # the middle pixel has a side neighbour outside, as all others have
    assert zone_distances(IMAGE, number=2).tolist() == [[1], [2]]
    assert dependences(IMAGE, number=2)[:, :4].tolist() == [[0, 0, 3, 0], [1, 1, 2, 1]]


def test_emphases_worked_by_hand() -> None:
    # level 1: a thing of size 2; level 2: one of size 1 and two of size 3
    features = emphases(np.array([[0, 1, 0], [1, 0, 2]]), pixels=9).tolist()
    quarter = 1 / 4
    expected = [
        quarter * (1 / 4 + 1 + 2 / 9), quarter * (4 + 1 + 18), quarter * (1 + 3 / 4), quarter * (1 + 12),
        quarter * (1 / 4 + 1 / 4 + 2 / 36), quarter * (1 / 4 + 4 + 8 / 9), quarter * (4 + 1 / 4 + 18 / 4),
        quarter * (4 + 4 + 72), 10 / 4, 10 / 16, 6 / 4, 6 / 16, 4 / 9, 3 / 16, 23 / 4 - (9 / 4) ** 2, 1.5, 6 / 16,
    ]  # fmt: skip
    assert features == pytest.approx(expected)


def test_differences_of_tone_worked_by_hand() -> None:
    # neighbours of 1: 3; of 3: 1 and 1 on average; of the other 1: 3
    coarseness, contrast, busyness, complexity, strength = tone_differences(np.array([[1, 3, 1]]), number=3).tolist()
    p_1, p_3, s_1, s_3 = 2 / 3, 1 / 3, 4.0, 2.0
    assert coarseness == pytest.approx(1 / (p_1 * s_1 + p_3 * s_3))
    assert contrast == pytest.approx(2 * p_1 * p_3 * 4 / 2 * (s_1 + s_3) / 3)
    assert busyness == pytest.approx((p_1 * s_1 + p_3 * s_3) / (2 * abs(p_1 - 3 * p_3)))
    assert complexity == pytest.approx(2 * 2 * (p_1 * s_1 + p_3 * s_3) / (p_1 + p_3) / 3)
    assert strength == pytest.approx(2 * (p_1 + p_3) * 4 / (s_1 + s_3))


def test_a_tie_of_levels_is_decided_by_the_mean_then_by_the_lower_level() -> None:
    mode = HISTOGRAM.index("mode")
    assert histogram_statistics(np.array([2, 2, 5, 5, 6]), number=6)[mode] == 5
    assert histogram_statistics(np.array([2, 2, 4, 4]), number=6)[mode] == 2


def test_percentiles_are_linear_between_ranks_and_two_values_have_none_between_the_tenth_and_the_ninetieth() -> None:
    robust = HISTOGRAM.index("robust_mean_absolute_deviation") - 1
    two = intensity_statistics(np.array([1.0, 3.0]))
    assert np.isnan(two[robust])
    assert not np.isnan(np.delete(two, robust)).any()
    values = np.array([0.0, 1.0, 2.0, 10.0])
    features = dict(zip(HISTOGRAM[:9], intensity_statistics(values)[:9].tolist(), strict=True))
    assert (features["percentile_10"], features["percentile_90"]) == pytest.approx((0.3, 7.6))
    ranks = [intensity_statistics(np.arange(float(n)))[6] for n in (11, 21, 31, 41)]
    assert [round(after - before, 12) for before, after in pairwise(ranks)] == [1, 1, 1]


@pytest.mark.parametrize("name", COUNTS)
def test_compiled_and_plain_agree_on_real_cells(name: str, data_root: Path) -> None:
    paths = sorted((data_root / "ifc_jurkat_cellcycle" / "images").rglob("*.tif*"))[:40]
    images = [imread(path) for path in paths]
    masks = []
    for image in images:
        distance = np.abs(image - np.median(image, axis=(1, 2), keepdims=True))
        masks.append(np.stack([plane > threshold_li(plane) for plane in distance]))
    batch = Batch.of(images, channels=["BF", "PI", "SSC"])
    region = Region(name="li", shared=False, masks=Ragged.of(masks), background=np.zeros((len(images), 3)))
    family = families_of("standard")[name]
    assert family.plain is not None
    actual, expected = family.measure(batch, region), family.plain(batch, region)
    assert np.isfinite(expected).mean() > 0.9
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-11)
