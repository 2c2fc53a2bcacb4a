"""Children of cells as columns: counted and averaged as scikit-image measures them, one by one."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from skimage.measure import regionprops

from tasks.core.crop import WITH_MARGIN, crop_cells
from tasks.core.dictionary import read_dictionary
from tasks.core.errors import ConfigError
from tasks.core.layout import ChildObject, Layout
from tasks.core.types import AnyArray, Children, FloatArray
from tasks.features import Features, feature_columns, measure
from tasks.features import children as module
from tasks.features.children import child_columns, measure_children
from tasks.features.names import rename
from tasks.features.table import table_columns, table_dictionary

CHANNELS = ("DNA", "FISH")
SPOTS = (ChildObject(name="spots", within="nucleus"),)
SMALL = Features(families=("shape", "intensity"))
BACKGROUND = np.array([40.0, 60.0])


@pytest.fixture(scope="module")
def image() -> AnyArray:
    """(2, 120, 150) uint16."""
    return np.random.default_rng(0).integers(50, 4000, (2, 120, 150)).astype(np.uint16)


@pytest.fixture(scope="module")
def spots() -> Children:
    """270 spots of 1 to 16 pixels, in cells 1 to 30 but for a few that lie in none; cell 7 has none of them."""
    draw = np.random.default_rng(1)
    labels, number = np.zeros((120, 150), dtype=np.int32), 0
    for row in range(1, 116, 6):
        for column in range(1, 146, 11):
            number += 1
            height, width = draw.integers(1, 5, 2)
            labels[row : row + height, column : column + width] = number
    parents = draw.integers(0, 31, number).astype(np.int32)
    parents[parents == 7] = 8
    return Children(name="spots", labels=labels, parents=parents)


def measured(image: AnyArray, spots: Children, *, numbers: list[int], config: Features = SMALL) -> FloatArray:
    return measure_children(
        image,
        children=spots,
        numbers=np.array(numbers, dtype=np.int32),
        background=BACKGROUND,
        channels=CHANNELS,
        config=config,
    )


def names_of(config: Features = SMALL, **names: Any) -> list[str]:  # noqa: ANN401
    return list(rename(child_columns(config=config, channels=CHANNELS, children=SPOTS), **{"names": "native"} | names))


def test_numbers_and_means_are_those_of_scikit_image(image: AnyArray, spots: Children) -> None:
    numbers = [3, 30, 7, 1]
    values = pl.DataFrame(measured(image, spots, numbers=numbers), schema=names_of())
    found = regionprops(spots.labels, intensity_image=np.moveaxis(image, 0, -1))
    for row, number in enumerate(numbers):
        own = [spot for spot in found if spots.parents[spot.label - 1] == number]
        expected = {
            "nucleus__spots_count": len(own),
            "nucleus__spots_mean_shape_area": np.mean([spot.area for spot in own]) if own else np.nan,
            "nucleus__spots_mean_shape_area_bbox": np.mean([spot.area_bbox for spot in own]) if own else np.nan,
        }
        for channel, name in enumerate(CHANNELS):
            means = [spot.intensity_mean[channel] for spot in own]
            largest = [spot.intensity_max[channel] for spot in own]
            expected |= {
                f"nucleus__spots_mean_intensity_mean__{name}": np.mean(means) if own else np.nan,
                f"nucleus__spots_mean_intensity_max__{name}": np.mean(largest) if own else np.nan,
                f"nucleus__spots_mean_intensity_bgcorr_mean__{name}": np.mean(means) - BACKGROUND[channel]
                if own
                else np.nan,
            }
        for name, value in expected.items():
            assert values[name][row] == pytest.approx(value, rel=1e-12, nan_ok=True), (name, number)
    assert values["nucleus__spots_count"][2] == 0


def test_a_mean_is_of_those_in_which_the_feature_is_defined(image: AnyArray) -> None:
    labels = np.zeros((120, 150), dtype=np.int32)
    labels[10, 10], labels[20:24, 10:14] = 1, 2  # of one pixel there is no skewness
    alone = Children(name="spots", labels=labels, parents=np.array([1, 2], dtype=np.int32))
    both = Children(name="spots", labels=labels, parents=np.array([1, 1], dtype=np.int32))
    skewness = names_of().index("nucleus__spots_mean_intensity_skewness__FISH")
    apart = measured(image, alone, numbers=[1, 2])[:, skewness]
    assert np.isnan(apart[0])
    assert measured(image, both, numbers=[1])[0, skewness] == apart[1]


def test_values_depend_neither_on_the_other_cells_nor_on_what_is_cut_out_together(
    image: AnyArray, spots: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = measured(image, spots, numbers=list(range(1, 31)), config=Features())
    monkeypatch.setattr(module, "AT_A_TIME", 7)
    np.testing.assert_array_equal(measured(image, spots, numbers=list(range(1, 31)), config=Features()), every)
    np.testing.assert_array_equal(measured(image, spots, numbers=[12, 4], config=Features()), every[[11, 3]])


def test_the_means_of_single_children_are_their_own_features(image: AnyArray, spots: Children) -> None:
    own = Children(name="spots", labels=spots.labels, parents=np.arange(1, len(spots.parents) + 1, dtype=np.int32))
    config = Features(families=("texture", "shape", "neighbors"))
    values = measured(image, own, numbers=[5, 260], config=config)
    batch, (region,) = crop_cells(
        image, labels={"spots": spots.labels}, numbers=[5, 260], channels=CHANNELS, crop=WITH_MARGIN
    )
    columns = feature_columns(
        config=Features(families=("texture", "shape")), channels=CHANNELS, regions=[("spots", True)]
    )
    each = dict(zip(columns, measure(batch, [region], config=Features(families=("texture", "shape"))).T, strict=True))
    expected = {f"nucleus__spots_mean_{column.name.removeprefix('spots__')}": v for column, v in each.items()}
    got = dict(zip(names_of(config), values.T, strict=True))
    assert set(expected) - set(got) == {"nucleus__spots_mean_shape_orientation"}
    assert set(got) - set(expected) == {"nucleus__spots_count"}
    for name in got.keys() & expected.keys():
        np.testing.assert_array_equal(got[name], expected[name])


def test_no_angle_no_neighbor_and_no_background_is_averaged() -> None:
    names = names_of(Features(families=("shape", "intensity", "radial_zernike", "neighbors")))
    assert names[0] == "nucleus__spots_count"
    assert not [name for name in names if "orientation" in name or "phase" in name or "neighbors" in name]
    assert not [name for name in names if "intensity_background" in name]
    assert "nucleus__spots_mean_radial_zernike_magnitude_2_0__FISH" in names
    assert names_of(Features(families=("neighbors",))) == ["nucleus__spots_count"]


def test_cellprofiler_spells_numbers_and_means_so() -> None:
    names = names_of(Features(families=("shape", "intensity", "haralick", "radial_distribution")), names="cytominer")
    assert {
        "Nuclei_Children_Spots_Count", "Nuclei_Mean_Spots_AreaShape_Area", "Nuclei_Mean_Spots_Intensity_Mean_FISH",
        "Nuclei_Mean_Spots_Texture_Contrast_FISH_3_Mean_16", "Nuclei_Mean_Spots_RadialDistribution_FracAtD_FISH_1of4",
    } <= set(names)  # fmt: skip
    assert len(set(names)) == len(names)


def test_the_published_system_has_no_name_for_them() -> None:
    with pytest.raises(ConfigError, match="no name for 'nucleus__spots_count'"):
        names_of(Features(profile="scip", names="scip"), names="scip")


def layout(*, children: tuple[ChildObject, ...]) -> Layout:
    return Layout(
        channels=CHANNELS, regions=("nucleus", "cell"), stamps=False, groups=(), numbered=False, children=children
    )


def test_columns_of_children_follow_all_others_and_each_is_described(tmp_path: Path) -> None:
    two = (*SPOTS, ChildObject(name="foci", within="cell"))
    without, with_children = (table_columns(config=SMALL, layout=layout(children=own)) for own in ((), two))
    assert with_children[: len(without)] == without
    assert layout(children=()).child_meta() == {}
    own = with_children[len(without) :]
    assert len(own) == 2 * len(names_of())
    table = pa.table({column.name: pa.array([], type=pa.float32()) for column in with_children})
    dictionary = table_dictionary(layout=layout(children=two), config=SMALL)
    pq.write_table(table.replace_schema_metadata(dictionary), tmp_path / "table.parquet")
    described = {row["name"]: row for row in read_dictionary(tmp_path / "table.parquet").iter_rows(named=True)}
    count, area = described["cell__foci_count"], described["nucleus__spots_mean_shape_area"]
    assert (count["object"], count["child"], count["family"], count["unit"]) == ("cell", "foci", "children", "1")
    assert count["definition"] == "Number of foci of the cell: of those that share most pixels with it."
    assert (area["object"], area["child"], area["family"], area["stat"]) == ("nucleus", "spots", "shape", "area")
    assert area["unit"] == "px^2"
    assert area["invariances"] == described["nucleus__shape_area"]["invariances"]
    assert area["definition"].endswith(f"In each: {described['nucleus__shape_area']['definition']}")
    assert described["nucleus__shape_area"]["child"] == ""
    foci = described["cell__foci_mean_intensity_mean__FISH"]
    assert foci["definition"].startswith("Mean over the foci of the cell, of those in which it is defined.")
