"""Which columns of different families are equal by definition, as docs/features.md lists them; no others are."""

from itertools import combinations

import numpy as np

from tasks.core.types import Batch, Region
from tasks.features import Features, feature_columns, measure
from tasks.features.family import families_of

MATRICES = (
    "low_grey_level_emphasis", "high_grey_level_emphasis", "grey_level_nonuniformity",
    "grey_level_nonuniformity_normalised", "percentage", "grey_level_variance",
)  # fmt: skip
EQUAL = {
    *((f"gldzm_{stat}", f"glszm_{stat}") for stat in MATRICES),
    *((f"ibsi_intensity_{s}", f"intensity_{s}") for s in ("mean", "median", "min", "max", "skewness", "kurtosis")),
    ("glcm_difference_average_d1", "glcm_dissimilarity_d1"),
    ("glcm_cluster_tendency_d1", "glcm_sum_variance_d1"),
    ("histogram_variance", "ngldm_grey_level_variance"),
    ("histogram_uniformity", "ngldm_grey_level_nonuniformity_normalised"),
    ("haralick_angular_second_moment_d3", "texture_ASM_d3"),
    ("haralick_contrast_d3", "texture_contrast_d3"),
    ("haralick_correlation_d3", "texture_correlation_d3"),
    ("haralick_inverse_difference_moment_d3", "texture_homogeneity_d3"),
    ("intensity_mean", "radial_zernike_magnitude_0_0"),
    ("ibsi_intensity_mean", "radial_zernike_magnitude_0_0"),
}
CONSTANT = {"histogram_min", "histogram_max", "histogram_range", "ngldm_percentage", "radial_zernike_phase_0_0"}


def test_no_value_is_told_twice_but_those_that_are_listed(dozen_cells: tuple[Batch, list[Region]]) -> None:
    batch, (own, _) = dozen_cells
    families = tuple(name for name, family in families_of("standard").items() if not family.field)
    config = Features(families=families)
    columns = feature_columns(config=config, channels=batch.channels, regions=[(own.name, False)])
    names = ["_".join(filter(None, (column.family, column.stat, column.param))) for column in columns]
    values = measure(batch, [own], config=config)
    spread = np.nanmax(values, axis=0) - np.nanmin(values, axis=0)
    assert {name for name, one in zip(names, spread, strict=True) if one == 0} >= CONSTANT
    varied = [number for number, one in enumerate(spread) if one > 1e-6 * np.nanmax(np.abs(values[:, number]))]
    found = {
        (names[one], names[other])
        for one, other in combinations(sorted(varied, key=names.__getitem__), 2)
        if np.allclose(values[:, one], values[:, other], rtol=1e-9, atol=0, equal_nan=True)
    }
    assert found == EQUAL
