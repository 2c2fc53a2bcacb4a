"""The tables that the stages really write have the columns that the layout promises."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile

from tasks.core.cell_batches import read_cells
from tasks.core.crop import WITH_MARGIN
from tasks.core.layout import FAULTS
from tasks.core.pixel_source import stamp_batches
from tasks.features.config import Features
from tasks.features.task import extract_partition
from tests.running import Run

MASK = {"methods": ["li", {"method": "circle", "name": "disc"}], "main_channel": "BF"}
SEGMENT = {"objects": {"nucleus": {"method": "watershed", "channel": "BF", "diameter": 12}}}
LOAD = {"channels": {"BF": 0, "PI": 1}, "pattern": r"(?P<plate>[a-z]+)(?P<number>\d+)?\.tif"}


def schema(path: Path) -> Mapping[str, Any]:
    return dict(pl.read_parquet_schema(path))


def run_of(config: dict[str, Any], *, images: Path) -> Run:
    return Run.of({"load": LOAD, **config}, inputs=[images], output=images.parent)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Pictures with four cells, one of them cut by the frame; and with none; and a file that is no picture."""
    folder = tmp_path / "images"
    folder.mkdir()
    rows, columns = np.mgrid[:80, :90]
    rng = np.random.default_rng(0)
    for number, dtype in enumerate([np.uint16, np.float32, np.uint16]):
        image = rng.normal(100, 3, (2, 80, 90))
        for row, column in [(20, 20), (20, 60), (60, 40), (79, 75)] if number < 2 else []:
            image += 700 * (np.hypot(rows - row, columns - column) < 7)
        tifffile.imwrite(folder / f"well{number}.tif", image.astype(dtype), photometric="minisblack")
    (folder / "broken.tif").write_bytes(b"II*\0 not a picture")
    return folder


@pytest.mark.parametrize("config", [{"mask": MASK}, {"segment": SEGMENT}], ids=["stamps", "fields"])
def test_written_tables_have_the_columns_of_the_layout(config: dict[str, Any], images: Path) -> None:
    run = run_of(config, images=images)
    layout, (segmented,) = run.layout, run.cells
    assert schema(segmented.file("cells.parquet")) == layout.cells()
    assert schema(segmented.file("faults.parquet")) == FAULTS
    assert set(schema(segmented.file("images.parquet")).items()) == {*layout.images().items(), ("position", pl.Int32())}
    table = pl.read_parquet(segmented.file("images.parquet"))
    assert table["meta__image"].to_list() == [
        "images/broken.tif", "images/well0.tif", "images/well1.tif", "images/well2.tif",
    ]  # fmt: skip
    assert table["status"].to_list() == ["quarantined", "read", "read", "read"]
    assert table["meta__number"].to_list() == [None, "0", "1", "2"]
    assert table["dtype"].to_list() == [None, "uint16", "float32", "uint16"]
    assert set(layout.cell_meta()) <= set(layout.cells())


@pytest.mark.parametrize("config", [{"mask": MASK}, {"segment": SEGMENT}], ids=["stamps", "fields"])
def test_the_feature_table_begins_with_the_metadata_of_the_layout_even_for_no_row(
    config: dict[str, Any], images: Path, tmp_path: Path
) -> None:
    run = run_of(config, images=images)
    layout, (segmented,) = run.layout, run.cells
    cells = pl.read_parquet(segmented.file("cells.parquet"))
    tables = []
    for number, statuses in enumerate([cells["status"], pl.Series(["border"] * len(cells))]):
        cells.with_columns(status=statuses).write_parquet(segmented.file("cells.parquet"))
        folder = str(tmp_path / f"features{number}")
        measured = run.do_kept(extract_partition, config=Features(families=("shape",)), folder=folder)
        tables.append(measured.file("features.parquet"))
    meta = layout.cell_meta()
    assert dict(list(schema(tables[0]).items())[: len(meta)]) == meta
    assert all(name.startswith("meta__") for name in meta)
    assert schema(tables[0]) == schema(tables[1])
    assert pl.read_parquet(tables[1]).is_empty()
    assert not pl.read_parquet(tables[0]).is_empty()


def test_features_computed_twice_are_equal_to_the_last_byte(images: Path, tmp_path: Path) -> None:
    run = run_of({"segment": SEGMENT}, images=images)
    for name in ("one", "two"):
        run.do_kept(extract_partition, config=Features(), folder=str(tmp_path / name), run_id=name)
    first, second = ((tmp_path / name / "features.parquet").read_bytes() for name in ("one", "two"))
    assert first == second
    assert pl.read_parquet(tmp_path / "one" / "features.parquet").height == 6


def test_a_field_has_a_row_per_object_and_those_at_the_frame_are_rejected(images: Path) -> None:
    (segmented,) = run_of({"segment": SEGMENT}, images=images).cells
    cells = pl.read_parquet(segmented.file("cells.parquet"))
    assert cells.group_by("meta__image", maintain_order=True).agg("meta__object", "status").rows() == [
        ("images/well0.tif", [1, 2, 3, 4], ["kept", "kept", "kept", "border"]),
        ("images/well1.tif", [1, 2, 3, 4], ["kept", "kept", "kept", "border"]),
    ]
    assert pl.read_parquet(segmented.file("images.parquet"))["cells"].to_list() == [0, 4, 4, 0]


def test_cells_read_again_come_with_their_own_pixels_and_masks(images: Path, tmp_path: Path) -> None:
    run = run_of({"segment": SEGMENT}, images=images)
    (segmented,) = run.cells
    cells = pl.read_parquet(segmented.file("cells.parquet")).filter(
        pl.col("status") == "kept", pl.col("meta__object") != 2
    )
    (read,) = read_cells(segmented, kept=cells, partition=run.partitions[0], source=run.source, crop=WITH_MARGIN)
    assert read.faults == []
    batches = list(read.batches)
    assert [len(batch.batch) for batch in batches] == [2, 2]
    for batch in batches:
        image = tifffile.imread(tmp_path / batch.cells["meta__image"][0])
        assert batch.cells["meta__object"].to_list() == [1, 3]
        assert batch.batch.pixels.flat.dtype == image.dtype
        assert all(frame.shape == (2, 80, 90) for frame in batch.frames)
        for row, (pixels, mask) in enumerate(
            zip(batch.batch.pixels.unstack(), batch.regions[0].masks.unstack(), strict=True)
        ):
            top, left = (batch.cells[f"meta__bbox_min_{side}__nucleus"][row] - 6 for side in ("row", "col"))
            height, width = pixels.shape[1:]
            np.testing.assert_array_equal(pixels, image[:, top : top + height, left : left + width])
            assert mask.any()
            assert (pixels[0][mask[0]] > 500).mean() > 0.8
        part = batch.take([1])
        np.testing.assert_array_equal(part.batch.pixels.flat, batch.batch.pixels.take([1]).flat)
        assert part.cells["meta__object"].to_list() == [3]


def test_a_batch_of_stamps_has_one_dtype_so_that_no_stamp_is_promoted_by_its_neighbours() -> None:
    kinds = ["uint16", "uint8", None, "uint16", "float32", "uint8"]
    images = [None if kind is None else np.full((2, 3, 4), row, dtype=kind) for row, kind in enumerate(kinds)]
    batches = list(stamp_batches(images, channels=("BF", "PI")))
    assert [batch.rows.tolist() for batch in batches] == [[0, 3], [1, 5], [4]]
    assert [batch.batch.pixels.flat.dtype.name for batch in batches] == ["uint16", "uint8", "float32"]
    for batch in batches:
        assert [int(pixels[0, 0, 0]) for pixels in batch.batch.pixels.unstack()] == batch.rows.tolist()
    assert list(stamp_batches([None, None], channels=("BF", "PI"))) == []
