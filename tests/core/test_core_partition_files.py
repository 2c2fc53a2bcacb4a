"""What masking and segmentation leave of a partition."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tifffile

from tasks.core.errors import Fault
from tasks.core.layout import FAULTS, Layout
from tasks.core.partition_files import (
    BORDER,
    LABEL_SOFTWARE,
    fault_table,
    label_path,
    read_faults,
    read_labels,
    read_objects,
    write_cells,
)
from tasks.core.types import LabelArray
from tasks.core.work import Stopwatch

FIELD = Layout(channels=("DNA",), regions=("nucleus",), stamps=False, groups=(), numbered=False)


def images(count: int) -> pl.DataFrame:
    schema = FIELD.images() | {"position": pl.Int32()}
    rows = [
        {"meta__image": f"{n}.tif", "status": "quarantined" if n == 0 else "read", "position": n} for n in range(count)
    ]
    return pl.DataFrame(rows, schema=schema)


def cells(positions: list[int], *, statuses: list[str]) -> pl.DataFrame:
    rows = [{"position": position, "status": status} for position, status in zip(positions, statuses, strict=True)]
    return pl.DataFrame(rows, schema=FIELD.cells())


def test_images_know_how_many_cells_they_hold_and_which_are_set_aside(tmp_path: Path) -> None:
    faults = [
        Fault(image="0.tif", stage="ingest", error="PixelError", message="cut short"),
        Fault(image="2.tif", stage="segment", error="ValueError", message="no"),
    ]
    written = cells([1, 1, 3], statuses=["kept", "border", "kept"])
    counts = write_cells(tmp_path / "found", images=images(4), faults=faults, cells=written)
    assert counts == {"images": 4, "quarantined": 2, "cells": 3, "kept": 2, "border": 1}
    table = pl.read_parquet(tmp_path / "found" / "images.parquet")
    assert table["cells"].to_list() == [0, 2, 0, 1]
    assert table["status"].to_list() == ["quarantined", "read", "quarantined", "read"]
    assert dict(table.select(list(FIELD.images())).schema) == FIELD.images()
    assert pl.read_parquet(tmp_path / "found" / "cells.parquet").equals(written)
    assert pl.read_parquet(tmp_path / "found" / "faults.parquet")["meta__image"].to_list() == [
        "0.tif",
        "2.tif",
    ]


def test_no_cell_and_no_fault_are_tables_too(tmp_path: Path) -> None:
    counts = write_cells(tmp_path / "found", images=images(2), faults=[], cells=cells([], statuses=[]))
    assert counts == {"images": 2, "quarantined": 0, "cells": 0}
    assert not (tmp_path / "found" / "faults.parquet").exists()
    result = Stopwatch().result(str(tmp_path / "found"), run_id="")
    assert dict(read_faults(result).schema) == FAULTS
    assert dict(fault_table([]).schema) == FAULTS


@pytest.mark.parametrize("shape", [(7, 5), (1, 5), (5, 1), (1, 1), (3, 4)])
@pytest.mark.parametrize("largest", [0, 1, 65535, 65536, 2_000_000])
def test_labels_come_back_as_they_were(tmp_path: Path, shape: tuple[int, int], largest: int) -> None:
    labels: LabelArray = np.zeros(shape, dtype=np.int32)
    labels[-1, -1] = largest
    folder = tmp_path / "what? [1]*" / "found"
    write_cells(folder, images=images(1), faults=[], cells=cells([], statuses=[]), labels={(0, "nucleus"): labels})
    back = read_labels(folder, position=0, name="nucleus")
    assert back.dtype == np.int32
    np.testing.assert_array_equal(back, labels)
    with tifffile.TiffFile(label_path(folder, position=0, name="nucleus")) as file:
        assert file.pages.first.tags.valueof("Software") == LABEL_SOFTWARE
        assert file.pages.first.dtype == (np.uint16 if largest < 65536 else np.int32)


def test_the_objects_of_a_field_are_those_kept_and_those_left_out_at_the_border(tmp_path: Path) -> None:
    drawn = {
        "nucleus": [[0, 1, 0, 0]], "nucleus" + BORDER: [[0, 0, 0, 2]],
        "cell": [[1, 1, 0, 0]], "cell" + BORDER: [[0, 0, 2, 2]],
    }  # fmt: skip
    labels = {(3, name): np.array(rows, dtype=np.int32) for name, rows in drawn.items()}
    write_cells(tmp_path / "found", images=images(4), faults=[], cells=cells([], statuses=[]), labels=labels)
    objects = read_objects(tmp_path / "found", position=3, names=("cell", "nucleus"))
    assert [(name, label_image.tolist()) for name, label_image in objects.items()] == [
        ("cell", [[1, 1, 2, 2]]),
        ("nucleus", [[0, 1, 0, 2]]),
    ]


def test_faults_tell_what_the_path_tells_where_columns_are_asked_for() -> None:
    faults = [
        Fault(image="B2_*.tif", stage="ingest", error="PixelError", message="no file", metadata={"well": "B2"}),
        Fault(image="0.tif", stage="ingest", error="PixelError", message="cut short"),
    ]
    table = fault_table(faults, groups=("well",))
    assert table.columns == [*FAULTS, "meta__well"]
    assert table["meta__well"].to_list() == ["B2", None]
    assert fault_table(faults).columns == list(FAULTS)
