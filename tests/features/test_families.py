"""Columns and values of all families agree; which are equal; configuration errors; families from outside."""

from itertools import combinations
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.core.columns import Column
from tasks.core.crop import crop_cells
from tasks.core.errors import ConfigError
from tasks.core.types import Batch, FloatArray, Ragged, Region
from tasks.features import Features, feature_columns, measure
from tasks.features.family import Family, FeatureDef, Profile, RegionInfo, families, families_of, register

Cells = tuple[Batch, list[Region]]
PROFILES: tuple[Profile, ...] = get_args(Profile)
EACH = [(profile, name) for profile in PROFILES for name, family in families_of(profile).items() if not family.field]
REGIONS = [("li", False), ("li.combined", True)]


@pytest.mark.parametrize(("profile", "name"), EACH)
def test_names_and_values_agree_for_every_family_and_number_of_channels(
    profile: Profile, name: str, cells_of_channels: Cells
) -> None:
    batch, regions = cells_of_channels
    config = Features(profile=profile, families=(name,))
    columns = feature_columns(config=config, channels=batch.channels, regions=REGIONS)
    values = measure(batch, regions, config=config)
    assert values.shape == (1, len(columns))
    assert values.dtype == np.float64
    # every value sits under its own name: each column is what its family measures of its region and channel alone
    alone: dict[tuple[str, tuple[str, ...]], dict[tuple[str, str, tuple[str, ...]], float]] = {}
    for number, column in enumerate(columns):
        if column.channels and all(batch.channels.index(channel) % 5 == 0 for channel in column.channels):
            where = column.region, column.channels
            alone[where] = alone.get(where) or _only(cells_of_channels, column)
            expected = alone[where][column.stat, column.param, column.channels]
            assert np.array_equal(values[0, number], expected, equal_nan=True), column.name


def _only(cells: Cells, column: Column) -> dict[tuple[str, str, tuple[str, ...]], float]:
    """Measure the channel, or pair of channels, of a column in its region with its family alone."""
    full, regions = cells
    indices = sorted(full.channels.index(channel) for channel in column.channels)
    channels = tuple(full.channels[place] for place in indices)
    profile: Profile = "scip" if column.scip else "standard"
    family = "raw" if column.region == "raw" else column.family
    batch = Batch.of([image[indices] for image in full.pixels.unstack()], channels=channels)
    region = next((region for region in regions if region.name == column.region), regions[0])
    masks = region.masks if region.shared else Ragged.of([mask[indices] for mask in region.masks.unstack()])
    cropped = Region(name=region.name, shared=region.shared, masks=masks, background=region.background[:, indices])
    config = Features(profile=profile, families=(family,))
    described = feature_columns(config=config, channels=channels, regions=[(cropped.name, cropped.shared)])
    values = measure(batch, [cropped], config=config)[0]
    return {(c.stat, c.param, c.channels): value for c, value in zip(described, values, strict=True)}


@pytest.mark.parametrize("channels", [1, 3, 7, 12])
def test_the_published_system_has_59_and_203_per_channel_and_11_raw(channels: int) -> None:
    names = [f"c{number}" for number in range(channels)]
    columns = feature_columns(config=Features(profile="scip"), channels=names, regions=REGIONS)
    assert sum(column.region != "raw" for column in columns) == 59 + 203 * channels
    assert sum(column.region == "raw" for column in columns) == 11 * channels


def test_native_names() -> None:
    published, standard = (
        {column.name for column in feature_columns(config=Features(profile=profile), channels=["BF"], regions=REGIONS)}
        for profile in ("scip", "standard")
    )
    assert {
        "li__shape_area__BF", "li.combined__shape_area", "li__shape_moments_central_1_2__BF",
        "li__intensity_bgcorr_edge_mean__BF", "li.combined__intensity_edge_kurtosis__BF",
        "li__texture_glcm_mean_contrast_d3__BF", "li.combined__texture_sobel_min__BF", "raw__intensity_mean__BF",
    } <= published  # fmt: skip
    assert {
        "li__shape_area__BF", "li.combined__shape_form_factor", "li__shape_inertia_tensor_0_1__BF",
        "li__intensity_edge_mean__BF", "li__intensity_background__BF", "li__texture_contrast_d3__BF",
        "li.combined__texture_ASM_std_d5__BF",
    } <= standard  # fmt: skip
    assert not any("combined__shape" in name and name.endswith("__BF") for name in published | standard)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_column_is_described(profile: Profile) -> None:
    columns = feature_columns(config=Features(profile=profile), channels=["BF", "PI"], regions=REGIONS)
    described: dict[tuple[str, str, str], tuple[str, str]] = {}
    for column in columns:
        assert column.definition.endswith("."), column.name
        assert column.definition.count(". ") == 0, column.name
        assert column.definition[0].isupper() or column.definition[0].isdigit(), column.name
        assert column.unit
        assert set(column.invariances) <= {
            "translation", "rotation", "quarter turn", "scale", "intensity shift", "intensity scale",
        }  # fmt: skip
        # the dictionary in the table's metadata keeps one definition for all regions and channels
        key = (column.family, column.stat, column.param)
        assert described.setdefault(key, (column.definition, column.unit)) == (column.definition, column.unit)
    assert len({definition for definition, _ in described.values()}) == len(described)


def test_families_are_measured_in_one_order_however_they_are_listed(cells: Cells) -> None:
    config = Features(families=("texture", "shape"))
    columns = feature_columns(config=config, channels=cells[0].channels, regions=REGIONS)
    assert list(dict.fromkeys(column.family for column in columns)) == ["shape", "texture"]
    other = Features(families=("shape", "texture"))
    assert np.array_equal(measure(*cells, config=config), measure(*cells, config=other), equal_nan=True)


def test_an_empty_batch_has_all_columns() -> None:
    empty = np.empty((0, 2), dtype=np.int64)
    batch = Batch(pixels=Ragged(flat=np.empty(0), shapes=empty, n_channels=2), channels=("a", "b"))
    masks = Ragged(flat=np.empty(0, dtype=bool), shapes=empty, n_channels=1)
    region = Region(name="cell", shared=True, masks=masks, background=np.empty((0, 2)))
    for profile in PROFILES:
        config = Features(profile=profile)
        columns = feature_columns(config=config, channels=("a", "b"), regions=[("cell", True)])
        assert measure(batch, [region], config=config).shape == (0, len(columns))


def test_objects_of_a_field_have_no_raw_statistics() -> None:
    columns = feature_columns(config=Features(profile="scip"), channels=["a"], regions=[("nucleus", True)])
    assert {column.region for column in columns} == {"nucleus"}
    assert len(columns) == 59 + 44 + 28
    with pytest.raises(ConfigError, match=r"'raw' is measured on stamps that have masks.*leave it out"):
        feature_columns(config=Features(profile="scip", families=("raw",)), channels=["a"], regions=[("nucleus", True)])


def test_the_background_of_a_field_is_told_once_for_all_its_objects() -> None:
    regions = ("nucleus", "cell", "cytoplasm")
    columns = feature_columns(config=Features(), channels=["a", "b"], regions=[(name, True) for name in regions])
    backgrounds = [column.name for column in columns if column.stat == "background"]
    assert backgrounds == ["nucleus__intensity_background__a", "nucleus__intensity_background__b"]
    labels = np.zeros((20, 30), dtype=np.int32)
    labels[4:9, 5:12] = 1
    image = np.random.default_rng(1).integers(0, 99, size=(2, 20, 30)).astype(np.uint8)
    batch, objects = crop_cells(image, labels=dict.fromkeys(regions, labels), numbers=[1], channels=["a", "b"])
    values = dict(zip([column.name for column in columns], measure(batch, objects, config=Features())[0], strict=True))
    assert values["nucleus__intensity_background__a"] == pytest.approx(image[0, labels == 0].mean())
    assert [name for name in values if values[name] != values[name.replace("cell", "nucleus")]] == []


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"families": ["textur"]}, "no family 'textur'; allowed: shape, intensity, texture"),
        ({"families": ["raw"]}, "profile 'standard' has no family 'raw'"),
        ({"families": ["shape", "shape"]}, "listed twice"), ({"families": []}, "at least 1 item"),
        ({"names": "scip"}, "'scip' are the names of profile 'scip', got profile 'standard'"),
        ({"profile": "skip"}, "'standard' or 'scip'"), ({"dtype": "float16"}, "'float32' or 'float64'"),
        ({"familys": ["shape"]}, "Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_configuration_errors_say_what_would_do(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        Features.model_validate(section)
    assert message in str(error.value)


def test_defaults_are_those_of_the_contract() -> None:
    config = Features()
    assert (config.profile, config.names, config.dtype) == ("standard", "native", "float32")
    assert [family.name for family in config.selected] == ["shape", "intensity", "texture"]
    assert [family.name for family in Features(profile="scip").selected] == ["shape", "intensity", "texture", "raw"]


def test_regions_of_another_batch_and_two_of_one_name_are_refused(cells: Cells) -> None:
    with pytest.raises(ValueError, match=r"'li' has 3 masks, the batch 2 cells"):
        measure(cells[0].take([0, 1]), cells[1], config=Features())
    with pytest.raises(ValueError, match="each mask the height and width of its cell"):
        measure(cells[0].take([0, 2, 1]), cells[1], config=Features())
    with pytest.raises(ValueError, match="share a name"):
        feature_columns(config=Features(), channels=["a"], regions=[("cell", True), ("cell", True)])


CORNER = FeatureDef(stat="first", unit="intensity", definition="First pixel.")


def _describe(*, region: RegionInfo, channels: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(CORNER.column(family="corner", region=region, channels=(channel,)) for channel in channels)


def _one_channel(batch: Batch, region: Region) -> FloatArray:
    del region
    return np.array([pixels[:1, 0, 0] for pixels in batch.pixels.unstack()], dtype=np.float64)


def test_a_family_that_returns_other_columns_than_it_names_is_refused(
    cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(families, "_parts", {name: families[name] for name in families.names})
    register(Family(name="corner", description="Corner.", columns=_describe, measure=_one_channel))
    with pytest.raises(ValueError, match=r"'corner' .* shape \(3, 1\) in region 'li', expected \(3, 2\)"):
        measure(cells[0], cells[1][:1], config=Features(families=("corner",)))


MATRICES = (
    "low_grey_level_emphasis", "high_grey_level_emphasis", "grey_level_nonuniformity",
    "grey_level_nonuniformity_normalised", "percentage", "grey_level_variance",
)  # fmt: skip
EQUAL = {
    *((f"gldzm_{stat}", f"glszm_{stat}") for stat in MATRICES),
    *((f"ibsi_intensity_{s}", f"intensity_{s}") for s in ("mean", "median", "min", "max", "skewness", "kurtosis")),
    ("glcm_difference_average_d1", "glcm_dissimilarity_d1"), ("glcm_cluster_tendency_d1", "glcm_sum_variance_d1"),
    ("histogram_variance", "ngldm_grey_level_variance"),
    ("histogram_uniformity", "ngldm_grey_level_nonuniformity_normalised"),
    ("haralick_angular_second_moment_d3", "texture_ASM_d3"), ("haralick_contrast_d3", "texture_contrast_d3"),
    ("haralick_correlation_d3", "texture_correlation_d3"),
    ("haralick_inverse_difference_moment_d3", "texture_homogeneity_d3"),
    ("intensity_mean", "radial_zernike_magnitude_0_0"), ("ibsi_intensity_mean", "radial_zernike_magnitude_0_0"),
}  # fmt: skip
CONSTANT = {"histogram_min", "histogram_max", "histogram_range", "ngldm_percentage", "radial_zernike_phase_0_0"}


def test_no_value_is_told_twice_but_those_that_are_listed(dozen_cells: tuple[Batch, list[Region]]) -> None:
    batch, (own, _) = dozen_cells
    families = tuple(name for name, family in families_of("standard").items() if not family.field)
    config = Features(families=families)
    columns = feature_columns(config=config, channels=batch.channels, regions=[(own.name, False)])
    names = ["_".join(filter(None, (column.family, column.stat, column.param))) for column in columns]
    values = measure(batch, [own], config=config)
    spread = np.nanmax(values, axis=0) - np.nanmin(values, axis=0)
    assert {name for name, width in zip(names, spread, strict=True) if width == 0} >= CONSTANT
    varied = [number for number, width in enumerate(spread) if width > 1e-6 * np.nanmax(np.abs(values[:, number]))]
    equal = {
        (names[a], names[b])
        for a, b in combinations(sorted(varied, key=names.__getitem__), 2)
        if np.allclose(values[:, a], values[:, b], rtol=1e-9, atol=0, equal_nan=True)
    }
    assert equal == EQUAL
