"""Features in µm: values, units in the dictionary, and what is needed for them."""

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from tasks.core.columns import Column
from tasks.core.errors import ConfigError
from tasks.core.layout import Layout
from tasks.features.config import Features
from tasks.features.table import feature_table, table_columns
from tasks.features.units import check_pixel_sizes, length_power

LAYOUT = Layout(
    channels=("DNA",), regions=("nucleus",), stamps=False, groups=(), numbered=False,
    measures=("pixel_size_x", "pixel_size_y"),
)  # fmt: skip


def units(config: Features) -> dict[str, str]:
    return {column.name: column.unit for column in table_columns(config=config, layout=LAYOUT)}


def test_every_unit_is_one_that_can_be_converted() -> None:
    pixels, metres = units(Features()), units(Features(units="um"))
    assert list(pixels) == list(metres)
    assert {name for name in pixels if pixels[name] != metres[name]} == {
        name for name in pixels if "px" in pixels[name]
    }
    assert {metres[f"nucleus__shape_{stat}"] for stat in ("area", "perimeter", "eccentricity")} == {"µm^2", "µm", "1"}
    known = {
        "px",
        "px^2",
        "1",
        "rad",
        "deg",
        "%",
        "intensity",
        "intensity/px",
        "1/px^2",
        *(f"px^{n}" for n in range(3, 9)),
    }
    assert set(units(Features(families=tuple(FAMILIES))).values()) <= known | {"intensity^2"}


FAMILIES = ["shape", "intensity", "texture", "granularity", "neighbors", "histogram", "colocalization"]


def test_values_are_multiplied_by_each_images_pixel_size() -> None:
    config = Features(units="um", dtype="float64")
    columns = table_columns(config=config, layout=LAYOUT)
    schema = LAYOUT.cell_meta()
    cells = pl.DataFrame({name: [None, None] for name in schema}, schema=schema).with_columns(
        meta__pixel_size_x=pl.Series([0.5, 2.0])
    )
    table = feature_table(cells, values=np.full((2, len(columns)), 12.0), columns=columns, layout=LAYOUT, config=config)
    for column in columns:
        factor = 1 if "µm" not in column.unit else length_power(column.unit.replace("µm", "px"))
        expected = [12.0 * size ** (factor if "µm" in column.unit else 0) for size in (0.5, 2.0)]
        np.testing.assert_allclose(table[column.name].to_numpy(), expected, rtol=1e-12)
    assert table["nucleus__shape_area"].to_pylist() == [3.0, 48.0]
    assert table["nucleus__shape_perimeter"].to_pylist() == [6.0, 24.0]


def test_the_number_of_pixels_in_a_grey_level_is_no_length() -> None:
    column = Column(region="nucleus", family="histogram", stat="max_gradient", definition="")
    assert units(Features(families=("histogram",)))[f"{column.name}__DNA"] == "1"


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({}, r"which a.tif and 1 other images do not tell; give it as load.pixel_size, in µm"),
        ({"meta__pixel_size_x": [0.5, None], "meta__pixel_size_y": [0.5, None]}, "which b.tif does not tell"),
        ({"meta__pixel_size_x": [0.5, 0.5], "meta__pixel_size_y": [0.5, 0.6]}, "those of b.tif are 0.5×0.6 µm"),
    ],
)
def test_what_is_needed_is_asked_for_before_the_run(sizes: dict[str, list[float]], message: str) -> None:
    images = pl.DataFrame({"image": ["a.tif", "b.tif"], **sizes})
    check_pixel_sizes(images, config=Features())
    with pytest.raises(ConfigError, match=message):
        check_pixel_sizes(images, config=Features(units="um"))


def test_a_group_of_the_pattern_may_tell_the_pixel_size() -> None:
    images = pl.DataFrame({"image": ["a.tif"], "meta__pixel_size_x": ["0.5"], "meta__pixel_size_y": ["0.5"]})
    check_pixel_sizes(images, config=Features(units="um"))
    with pytest.raises(ConfigError, match=r"which a.tif does not tell"):
        check_pixel_sizes(images.with_columns(meta__pixel_size_x=pl.lit("20x")), config=Features(units="um"))


def test_the_published_profile_is_in_pixels() -> None:
    with pytest.raises(ValidationError, match="profile 'scip' has the published system's numbers, in pixels"):
        Features(units="um", profile="scip")
