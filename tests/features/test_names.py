"""Column names in their three spellings."""

import pytest

from tasks.core.errors import ConfigError
from tasks.features import Features, feature_columns
from tasks.features.names import rename, rename_meta

MASKS = [("li", False), ("li.combined", True), ("otsu", False), ("otsu.combined", True)]
OBJECTS = [("nucleus", True), ("cell", True), ("cytoplasm", True), ("spots", True)]
CHANNELS = ["BF", "PI stain", "c_3"]


def names_of(*, profile: str, regions: list[tuple[str, bool]], names: str, channels: list[str] = CHANNELS) -> list[str]:
    config = Features.model_validate({"profile": profile, "names": names})
    columns = feature_columns(config=config, channels=channels, regions=regions)
    return list(rename(columns, names=config.names))


@pytest.mark.parametrize("regions", [MASKS, OBJECTS])
@pytest.mark.parametrize(("profile", "names"), [("scip", "native"), ("scip", "scip"), ("scip", "cytominer")])
def test_names_are_unique_in_every_spelling(regions: list[tuple[str, bool]], profile: str, names: str) -> None:
    renamed = names_of(profile=profile, regions=regions, names=names)
    assert len(set(renamed)) == len(renamed)
    standard = names_of(profile="standard", regions=regions, names="cytominer")
    assert len(set(standard)) == len(standard)


def test_names_of_the_published_system() -> None:
    renamed = names_of(profile="scip", regions=MASKS, names="scip")
    assert {
        "feat_li_area_BF", "feat_li_convex_area_BF", "feat_li_area_combined", "feat_li_inertia_tensor-0-1_BF",
        "feat_li_moments_hu-6_combined", "feat_li_bgcorr_edge_mean_BF", "feat_li_combined_bgcorr_edge_mean_BF",
        "feat_li_glcm_mean_contrast_3_BF", "feat_li_combined_glcm_std_ASM_5_BF", "feat_otsu_combined_sobel_min_c_3",
        "feat_raw_mean_PI stain",
    } <= set(renamed)  # fmt: skip


def test_one_object_of_a_field_needs_no_name_in_the_published_spelling() -> None:
    alone = names_of(profile="scip", regions=[("nucleus", True)], names="scip")
    assert {"feat_area_combined", "feat_mean_BF", "feat_glcm_mean_contrast_3_BF"} <= set(alone)
    several = names_of(profile="scip", regions=OBJECTS, names="scip")
    assert {"feat_nucleus_area_combined", "feat_cytoplasm_mean_BF"} <= set(several)


def test_compartments_of_pycytominer() -> None:
    renamed = names_of(profile="standard", regions=OBJECTS, names="cytominer")
    assert {
        "Nuclei_AreaShape_Area", "Cells_Intensity_BgcorrEdgeMean_BF", "Cytoplasm_Texture_ContrastStd_d3_c_3",
        "Cells_Spots_AreaShape_MomentsHu_6",
    } <= set(renamed)  # fmt: skip
    # pycytominer takes for a feature what begins with one of its compartments
    assert all(name.startswith(("Cells_", "Nuclei_", "Cytoplasm_")) for name in renamed)
    stamps = names_of(profile="scip", regions=MASKS, names="cytominer")
    wanted = {"Cells_Li_AreaShape_Area_BF", "Cells_LiCombined_AreaShape_Area", "Cells_Raw_Intensity_Mean_BF"}
    assert wanted <= set(stamps)
    assert all(name.startswith("Cells_") for name in stamps)


OPTIONAL = ["colocalization", "granularity", "neighbors", "radial_distribution", "radial_zernike", "zernike"]


def test_optional_families_are_spelled_as_cellprofiler_does() -> None:
    config = Features.model_validate({"families": OPTIONAL, "names": "cytominer"})
    columns = feature_columns(config=config, channels=["DNA", "RNA"], regions=OBJECTS)
    renamed = rename(columns, names="cytominer")
    assert len(set(renamed)) == len(columns)
    assert {
        "Nuclei_Granularity_1_DNA", "Nuclei_RadialDistribution_FracAtD_DNA_1of4",
        "Cells_RadialDistribution_MeanFrac_RNA_4of4", "Cells_RadialDistribution_RadialCV_RNA_2of4",
        "Cells_RadialDistribution_ZernikeMagnitude_DNA_9_1", "Cells_RadialDistribution_ZernikePhase_DNA_2_0",
        "Nuclei_AreaShape_Zernike_4_2", "Cells_Correlation_Correlation_DNA_RNA", "Cells_Correlation_Slope_DNA_RNA",
        "Cells_Correlation_Overlap_DNA_RNA", "Cells_Correlation_K_DNA_RNA", "Cells_Correlation_Manders_RNA_DNA",
        "Cytoplasm_Correlation_RWC_RNA_DNA", "Cells_Correlation_Costes_DNA_RNA",
        "Nuclei_Neighbors_NumberOfNeighbors_Adjacent", "Nuclei_Neighbors_PercentTouching_Adjacent",
        "Nuclei_Neighbors_FirstClosestDistance_Adjacent", "Nuclei_Neighbors_SecondClosestDistance_Adjacent",
        "Nuclei_Neighbors_AngleBetweenNeighbors_Adjacent", "Nuclei_Neighbors_Density_r100",
    } <= set(renamed)  # fmt: skip
    native = set(rename(columns, names="native"))
    assert {
        "nucleus__granularity_16__RNA", "nucleus__zernike_9_9", "cell__radial_zernike_phase_3_1__DNA",
        "cell__colocalization_manders__RNA__DNA",
    } <= native  # fmt: skip


@pytest.mark.parametrize(
    ("names", "regions", "channels", "double"),
    [
        ("scip", [("li", False), ("li.combined", True), ("li_combined", False)], ["BF"], "feat_li_combined_mean_BF"),
        ("scip", [("li", False), ("li.combined", True)], ["combined"], "feat_li_area_combined"),
        ("cytominer", [("nucleus", True), ("nuclei", True)], ["BF"], "Nuclei_AreaShape_Area"),
    ],
)
def test_names_that_would_be_shared_are_an_error_that_tells_the_way_out(
    names: str, regions: list[tuple[str, bool]], channels: list[str], double: str
) -> None:
    with pytest.raises(ConfigError, match=rf"would all be called '{double}'; rename .* or set names to native"):
        names_of(profile="scip", regions=regions, names=names, channels=channels)


def test_native_names_are_those_of_the_columns_and_the_standard_profile_has_no_published_ones() -> None:
    columns = feature_columns(config=Features(), channels=CHANNELS, regions=MASKS)
    assert rename(columns, names="native") == tuple(column.name for column in columns)
    with pytest.raises(ConfigError, match=r"no name for 'li__shape_area__BF'.*profile to scip"):
        rename(columns, names="scip")


META = [
    "meta__image", "meta__object", "meta__object_number", "meta__well", "meta__bbox_min_row__li",
    "meta__bbox_max_col__li", "meta__regions__li__BF", "meta__valid__li__BF",
]  # fmt: skip


def test_metadata_in_three_spellings() -> None:
    assert rename_meta(META, names="native") == tuple(META)
    assert rename_meta(META, names="scip") == (
        "meta_image", "meta_object", "meta_object_number", "meta_well", "meta_li_bbox_minr", "meta_li_bbox_maxc",
        "meta_li_regions_BF", "meta_li_valid_BF",
    )  # fmt: skip
    assert rename_meta(META, names="cytominer") == (
        "Metadata_Image", "Metadata_Object", "Metadata_ObjectNumber", "Metadata_Well", "Metadata_BboxMinRow_li",
        "Metadata_BboxMaxCol_li", "Metadata_Regions_li_BF", "Metadata_Valid_li_BF",
    )  # fmt: skip


def test_metadata_of_one_object_of_a_field_needs_no_name_in_the_published_spelling() -> None:
    columns = ["meta__image", "meta__bbox_min_row__nucleus", "meta__valid__nucleus__BF"]
    assert rename_meta(columns, names="scip") == ("meta_image", "meta_bbox_minr", "meta_valid_BF")
    several = [*columns, "meta__bbox_min_row__cell"]
    expected = ("meta_nucleus_bbox_minr", "meta_nucleus_valid_BF", "meta_cell_bbox_minr")
    assert rename_meta(several, names="scip")[1:] == expected


def test_groups_that_would_share_a_name_are_an_error() -> None:
    with pytest.raises(ConfigError, match="'Metadata_SampleId'"):
        rename_meta(["meta__sample_id", "meta__sampleId"], names="cytominer")
