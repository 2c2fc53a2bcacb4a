"""Families of profile ``standard`` against the tables that CellProfiler itself wrote for its field ExampleHuman.

Its label images are not there. Its threshold is: applied to the image as the pipeline says, it gives components of
which most are single nuclei. Those with CellProfiler's own bounding box and area are taken for equal; clumps are left
out.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tifffile
from scipy import ndimage as ndi

from tasks.core.crop import crop_cells
from tasks.core.types import FloatArray
from tasks.features import Features, feature_columns, measure
from tasks.features.definitions.zernike import INDEXES
from tasks.features.plain.zernike import enclosing_circle, polynomials

Table = tuple[dict[str, FloatArray], pl.DataFrame, list[np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]]
"""Our values by native name, CellProfiler's rows in the same order, and the masks."""

FEATURES = {
    "shape_area": "AreaShape_Area", "shape_area_bbox": "AreaShape_BoundingBoxArea",
    "shape_eccentricity": "AreaShape_Eccentricity", "shape_equivalent_diameter": "AreaShape_EquivalentDiameter",
    "shape_euler_number": "AreaShape_EulerNumber", "shape_extent": "AreaShape_Extent",
    "shape_form_factor": "AreaShape_FormFactor", "shape_axis_major_length": "AreaShape_MajorAxisLength",
    "shape_axis_minor_length": "AreaShape_MinorAxisLength", "shape_perimeter": "AreaShape_Perimeter",
    "intensity_sum__{}": "Intensity_IntegratedIntensity_{}", "intensity_mean__{}": "Intensity_MeanIntensity_{}",
    "intensity_std__{}": "Intensity_StdIntensity_{}", "intensity_min__{}": "Intensity_MinIntensity_{}",
    "intensity_max__{}": "Intensity_MaxIntensity_{}",
    "intensity_mass_displacement__{}": "Intensity_MassDisplacement_{}",
}  # fmt: skip
CHANNELS = ("DNA", "PH3")


@pytest.fixture(scope="module")
def table(data_root: Path) -> Table:
    folder = data_root / "hcs_examplehuman"
    image = np.stack([tifffile.imread(folder / f"AS_09125_050116030001_D03f00d{n}.tif") for n in (0, 1)]) / 255
    threshold = pl.read_csv(folder / "Image.csv")["Threshold_FinalThreshold_Nuclei"].item()
    # smoothed as the pipeline's threshold smoothing scale 1.3488 means, and as if nothing lay beyond the frame
    smooth = ndi.gaussian_filter(image[0], 1.0, mode="constant")
    smooth /= ndi.gaussian_filter(np.ones_like(image[0]), 1.0, mode="constant")
    labels, _ = ndi.label(ndi.binary_fill_holes(smooth >= threshold), np.ones((3, 3)))
    areas = np.bincount(labels.ravel())
    known = {
        (rows.start, columns.start, rows.stop, columns.stop, int(areas[label])): label
        for label, (rows, columns) in enumerate(ndi.find_objects(labels), start=1)
    }
    nuclei = pl.read_csv(folder / "Nuclei.csv")
    keys = nuclei.select(
        *(f"AreaShape_BoundingBox{side}" for side in ("Minimum_Y", "Minimum_X", "Maximum_Y", "Maximum_X")),
        "AreaShape_Area",
    ).cast(pl.Int64)
    numbers = [known.get(key, 0) for key in keys.rows()]
    matched = nuclei.filter(pl.Series(numbers) > 0)
    batch, regions = crop_cells(
        image,
        labels={"nucleus": labels.astype(np.int32)},
        numbers=[number for number in numbers if number],
        channels=CHANNELS,
    )
    config = Features(families=("shape", "intensity", "zernike"))
    described = feature_columns(config=config, channels=CHANNELS, regions=[("nucleus", True)])
    measured = measure(batch, regions, config=config)
    values = {c.name.removeprefix("nucleus__"): measured[:, number] for number, c in enumerate(described)}
    return values, matched, [mask[0] for mask in regions[0].masks.unstack()]


def test_most_nuclei_are_found_again(table: Table) -> None:
    assert len(table[1]) >= 180


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ours.format(channel), theirs.format(channel))
        for ours, theirs in FEATURES.items()
        for channel in (CHANNELS if "{}" in ours else ("",))
    ],
)
def test_values_are_those_of_cellprofiler(table: Table, ours: str, theirs: str) -> None:
    values, nuclei, _ = table
    # CellProfiler stores pixels in 32 bits
    np.testing.assert_allclose(values[ours], nuclei[theirs].to_numpy(), rtol=1e-6, atol=1e-6)


def test_zernike_moments_are_those_of_cellprofiler_but_for_pixels_on_the_circle(table: Table) -> None:
    values, nuclei, masks = table
    measured = np.stack([values[f"zernike_{n}_{m}"] for n, m in INDEXES], axis=1)
    expected = nuclei.select(f"AreaShape_Zernike_{n}_{m}" for n, m in INDEXES).to_numpy()
    equal = np.isclose(measured, expected, rtol=1e-9, atol=1e-12).all(axis=1)
    assert equal.mean() > 0.3
    for mask, moments in zip(np.array(masks, dtype=object)[~equal], expected[~equal], strict=True):
        row, column, radius = enclosing_circle(mask)
        rows, columns = np.nonzero(mask)
        x, y = (columns - column) / radius, (rows - row) / radius
        rim = np.flatnonzero(np.abs(np.hypot(x, y) - 1) < 1e-12)
        sums, parts = polynomials(x, y).sum(axis=1), polynomials(x[rim], y[rim])
        choices = [sums - parts @ ((choice >> np.arange(len(rim))) & 1) for choice in range(2 ** len(rim))]
        assert any(
            np.allclose(np.abs(total) / (np.pi * radius**2), moments, rtol=1e-9, atol=1e-12) for total in choices
        )


def test_hulls_and_diameters_reach_to_the_outlines_of_pixels_and_cellprofilers_to_their_middles(table: Table) -> None:
    values, nuclei, _ = table
    solid = nuclei["AreaShape_Solidity"].to_numpy()
    assert (values["shape_solidity"] <= solid + 1e-12).all()
    assert (values["shape_solidity"] >= solid - 0.06).all()
    beyond = values["shape_feret_diameter_max"] - nuclei["AreaShape_MaxFeretDiameter"].to_numpy()
    assert (beyond >= 0.7).all()
    assert (beyond <= np.sqrt(2) + 0.5).all()
