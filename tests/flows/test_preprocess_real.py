"""Real images, each with the configuration kept for it: the rows a person would count, and values of the original."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.config import load_config, parse_config
from flows.engine.summary import Summary
from flows.preprocess import preprocess

pytestmark = pytest.mark.slow

Run = Callable[..., tuple[Summary, pl.DataFrame]]

CONFIGS = Path(__file__).resolve().parents[2] / "deployments" / "configs"
FIXTURES = Path(__file__).resolve().parents[1] / "oracle" / "fixtures"


@pytest.fixture
def run(scheduler: str, tmp_path: Path) -> Run:
    """Return what runs one of the example configurations into `tmp_path` and checks what holds of every result."""

    def run(*, config: str, inputs: Path) -> tuple[Summary, pl.DataFrame]:
        read = load_config(CONFIGS / f"{config}.yaml")
        summary = preprocess(config=read, inputs=[str(inputs)], output=str(tmp_path), cluster=scheduler)
        table = pl.read_parquet(tmp_path / "features" / "part-*.parquet")
        cells = pl.read_parquet(tmp_path / "cells.parquet")
        assert len(pl.read_parquet(tmp_path / "images.parquet")) == summary.images
        assert len(cells) == summary.cells == sum(summary.statuses.values())
        assert len(table) == summary.rows == summary.statuses["kept"]
        assert table.select(pl.selectors.float().is_infinite().any()).sum_horizontal().item() == 0
        return summary, table

    return run


def inside(output: Path, *objects: str) -> pl.DataFrame:
    """Cells of which none of these objects touches the frame."""
    images = pl.read_parquet(output / "images.parquet").select("meta__image", "height", "width")
    cells = pl.read_parquet(output / "cells.parquet").join(images, on="meta__image", maintain_order="left")
    touches = [
        (pl.col(f"meta__bbox_min_{side}__{name}") == 0) | (pl.col(f"meta__bbox_max_{side}__{name}") == pl.col(length))
        for name in objects
        for side, length in (("row", "height"), ("col", "width"))
    ]
    return cells.filter(~pl.any_horizontal(touch.fill_null(value=False) for touch in touches))


def test_1258_jurkat_stamps(run: Run, data_root: Path) -> None:
    summary, table = run(config="ifc_jurkat_cellcycle", inputs=data_root / "ifc_jurkat_cellcycle" / "images")
    assert (summary.images, summary.quarantined, summary.cells) == (1258, 0, 1258)
    assert sum(summary.rejected.values()) + summary.rows == 1258
    assert summary.rows > 1200
    dna = table.group_by("meta__phase").agg(pl.col("li__intensity_bgcorr_sum__PI").median())
    by_phase = dict(dna.rows())
    # G2 cells hold twice the DNA of G1 cells; SOURCE.txt measured 1.74 in whole stamps.
    assert 1.5 < by_phase["G2"] / by_phase["G1"] < 2.1


def test_11_pbmc_stamps_with_two_masks(run: Run, data_root: Path) -> None:
    summary, table = run(config="ifc_pbmc_multiframe", inputs=data_root / "ifc_pbmc_multiframe" / "*.tiff")
    assert (summary.images, summary.cells, summary.rows) == (11, 11, 11)
    assert {"feat_li_area_c0", "feat_circle_area_c0", "feat_raw_mean_c7"} <= set(table.columns)


def test_60_objects_of_a_cif_with_its_masks_and_ours(run: Run, data_root: Path) -> None:
    summary, table = run(config="ifc_cif", inputs=data_root / "ifc_cif" / "eos_objects_000_059.cif")
    assert (summary.images, summary.quarantined, summary.rows) == (60, 0, 60)
    assert table["meta__object_number"].to_list() == list(range(60))
    truth = pl.read_csv(data_root / "ifc_cif" / "eos_objects_000_059_decoded.csv")
    # the masks of an independent decoder, but for an object of which it counts a neighbour's pixels, too
    areas = table["file__shape_area__Ch5"].to_numpy() - truth["mask_px_Ch5"].to_numpy()
    assert np.flatnonzero(areas).tolist() == [4]
    # the two see the same cells
    assert 0.8 < np.median(table["li__shape_area__Ch5"] / table["file__shape_area__Ch5"]) < 1.2


def test_ragged_zarr_gives_the_values_of_the_original(run: Run, data_root: Path) -> None:
    summary, table = run(config="ifc_pbmc_zarr", inputs=data_root / "ifc_pbmc_multiframe" / "test.zarr")
    assert (summary.images, summary.rows, summary.columns) == (10, 10, 1557)
    with np.load(FIXTURES / "scip_features.npz") as fixture:
        names, expected = fixture["zarr.names"], fixture["zarr.values"]
    ours = table.select(names.tolist()).to_numpy()
    # atol is for what is zero but for rounding, such as the first moments about the centroid; tests/oracle names them.
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-9)


def test_hcs_examplehuman_has_the_289_nuclei_that_cellprofiler_found(run: Run, data_root: Path, tmp_path: Path) -> None:
    summary, _ = run(config="hcs_examplehuman", inputs=data_root / "hcs_examplehuman")
    assert summary.images == 1
    nuclei = inside(tmp_path, "nucleus")  # as CellProfiler chooses; a row needs all objects inside
    assert len(nuclei) == pytest.approx(289, abs=6)
    assert summary.rows == len(inside(tmp_path, "nucleus", "cell", "cytoplasm")) == 270
    truth = pl.read_csv(data_root / "hcs_examplehuman" / "Nuclei.csv")
    centres = truth.select("Location_Center_Y", "Location_Center_X").to_numpy()
    ours = nuclei.select("meta__centroid_row", "meta__centroid_col").to_numpy()
    nearest = np.linalg.norm(centres[:, None] - ours[None], axis=2).min(axis=1)
    assert (nearest < 4).mean() > 0.95
    assert (tmp_path / "labels").is_dir()


def test_hcs_nf1_three_wells(run: Run, data_root: Path, tmp_path: Path) -> None:
    summary, table = run(config="hcs_nf1", inputs=data_root / "hcs_nf1" / "images")
    assert summary.images == 3
    per_well = dict(inside(tmp_path, "nucleus").group_by("meta__well").len().rows())
    # The masks hold 28, 27 and 29 connected components; touching nuclei are one component there.
    for well, components in {"B7": 28, "D6": 27, "D7": 29}.items():
        assert per_well[well] == pytest.approx(components, abs=2)
    assert dict(table.group_by("meta__well").len().rows()) == {"B7": 17, "D6": 17, "D7": 25}


def test_seg_dsb2018_27_fields(run: Run, data_root: Path) -> None:
    summary, table = run(config="seg_dsb2018", inputs=data_root / "seg_dsb2018" / "images")
    assert (summary.images, summary.quarantined) == (27, 0)
    assert 1200 < summary.rows < 1750
    assert table["meta__image"].n_unique() == 27


def test_one_table_from_tiff_and_from_ome_zarr_of_two_versions(scheduler: str, tmp_path: Path, data_root: Path) -> None:
    segment = {"objects": {"nucleus": {"method": "watershed", "channel": "DAPI", "diameter": 60}}}
    names = {name: name for name in ("DAPI", "GFP", "RFP")}
    by_name = {"pattern": r"(?P<well>[A-H]\d+)_01_\d_\d_(?P<channel>DAPI|GFP|RFP)_", "channels": names}
    plates = data_root / "omezarr_plates"
    tables = []
    for load, inputs in (
        (by_name, data_root / "hcs_nf1" / "images"),
        ({"channels": {"DAPI": 0, "GFP": 1, "RFP": 2}}, plates / "nf1_plate_v0.4.zarr"),
        ({"channels": {"DAPI": 0, "GFP": 1, "RFP": 2}}, plates / "nf1_plate_v0.5.zarr"),
    ):
        output = tmp_path / inputs.name
        config = parse_config({"load": load, "segment": segment, "report": "off"})
        preprocess(config=config, inputs=[str(inputs)], output=str(output), cluster=scheduler)
        table = pl.read_parquet(output / "features" / "part-*.parquet").with_columns(
            meta__well=pl.col("meta__well").str.replace(r"^(\w)(\d)$", "${1}0${2}")
        )
        tables.append(table.drop("meta__image").select(sorted(table.drop("meta__image").columns)))
    tiff, old, new = tables
    assert dict(tiff.group_by("meta__well").len().rows()).keys() == {"B07", "D06", "D07"}
    assert tiff.equals(old)
    assert tiff.filter(pl.col("meta__well") != "B07").equals(new)
