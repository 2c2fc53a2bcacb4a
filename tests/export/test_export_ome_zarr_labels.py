"""Label images as OME-Zarr: the pixels of the TIFF files, and what viewers need to show them."""

import json
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import zarr

from tasks.core.errors import RunError
from tasks.core.layout import ChildObject, Layout
from tasks.core.partition_files import write_cells
from tasks.core.types import LabelArray
from tasks.core.work import Stopwatch
from tasks.export.formats.ome_zarr_labels import LABEL_STORE, OmeZarrLabels, write_labels
from tasks.export.labels import label_files
from tasks.export.registry import FeatureTable
from tasks.export.results import PartitionResults
from tests.export.conftest import Environment

LAYOUT = Layout(
    channels=("DNA",),
    regions=("nucleus",),
    stamps=False,
    groups=(),
    numbered=False,
    children=(ChildObject(name="Flecken µ", within="nucleus"),),
)
SMALL = np.arange(12, dtype=np.int32).reshape(3, 4)
LARGE = np.random.default_rng(0).integers(0, 70_000, (1030, 2600), dtype=np.int32)


def partition(folder: Path, number: int, images: Mapping[str, Mapping[str, LabelArray]]) -> PartitionResults:
    """Write what segmentation leaves of some fields."""
    table = pl.DataFrame(
        [{"meta__image": name, "status": "read", "position": row} for row, name in enumerate(images)],
        schema=LAYOUT.images() | {"position": pl.Int32()},
    )
    labels = {(row, name): one for row, objects in enumerate(images.values()) for name, one in objects.items()}
    place = folder / f"{number}"
    write_cells(place, images=table, faults=[], cells=pl.DataFrame(schema=LAYOUT.cells()), labels=labels)
    return PartitionResults(number=number, cells=Stopwatch().result(str(place), run_id="test"))


@pytest.fixture
def partitions(tmp_path: Path) -> list[PartitionResults]:
    first = {"A/1.tif": {"nucleus": SMALL, "Flecken µ": SMALL % 2}, "A/unread.tif": {}}
    return [
        partition(tmp_path / "work", 0, first),
        partition(tmp_path / "work", 1, {"B/groß:1.tif": {"nucleus": LARGE}}),
    ]


def publish(output: Path, partitions: list[PartitionResults]) -> Path:
    table = FeatureTable(files=(), dictionary={}, labels=partial(label_files, partitions, layout=LAYOUT))
    write_labels(table, output, OmeZarrLabels())
    return output / "exports" / "labels.zarr"


def test_pixels_come_back_and_smaller_sizes_show_the_same_labels(
    partitions: list[PartitionResults], tmp_path: Path
) -> None:
    root: Any = zarr.open_group(publish(tmp_path, partitions), mode="r")
    for name, expected in {"nucleus": SMALL, "Flecken µ": SMALL % 2}.items():
        small = root[f"A/1.tif/labels/{name}"]
        assert list(small) == ["0"]
        assert small["0"].dtype == np.uint16
        np.testing.assert_array_equal(small["0"][:], expected)
    large = root["B/groß%3A1.tif/labels/nucleus"]
    assert large["0"].dtype == np.int32
    assert sorted(large) == ["0", "1", "2"]
    datasets = large.attrs["ome"]["multiscales"][0]["datasets"]
    for dataset in datasets:
        (scale,) = {*dataset["coordinateTransformations"][0]["scale"]}
        np.testing.assert_array_equal(large[dataset["path"]][:], LARGE[:: int(scale), :: int(scale)])
    assert max(large["2"].shape) <= 1024 < max(large["1"].shape)
    assert root["A/1.tif/labels"].attrs["ome"]["labels"] == ["nucleus", "Flecken µ"]
    assert "unread.tif" not in root["A"]


def test_equal_runs_write_equal_files_and_no_image_of_an_earlier_run_is_left(
    partitions: list[PartitionResults], tmp_path: Path
) -> None:
    publish(tmp_path / "one", partitions)
    store = publish(tmp_path / "one", partitions[:1])
    other = publish(tmp_path / "two", partitions[:1])
    made = [
        {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        for folder in (store, other)
    ]
    assert made[0] == made[1]
    assert {file.relative_to(store) for file in LABEL_STORE.files(tmp_path / "one")} == set(made[0])
    LABEL_STORE.discard_stale(tmp_path / "one", but=())
    assert not store.exists()


def test_a_store_of_another_program_is_left_alone(partitions: list[PartitionResults], tmp_path: Path) -> None:
    path = tmp_path / "exports" / "labels.zarr"
    zarr.open_group(path, mode="w", zarr_format=3, attributes={"mine": True})
    with pytest.raises(RunError, match=r"labels\.zarr is in the way: it was not written by this program"):
        publish(tmp_path, partitions)
    LABEL_STORE.discard_stale(tmp_path, but=())
    assert zarr.open_group(path, mode="r").attrs["mine"] is True


@pytest.mark.slow
def test_the_reference_library_reads_it_and_finds_it_valid(
    environment: Environment, partitions: list[PartitionResults], tmp_path: Path
) -> None:
    """In an environment of its own: ome-zarr, by which napari reads, and the models of the specification."""
    script = """
import json, sys
import zarr
from ome_zarr.io import parse_url
from ome_zarr.reader import Label, Reader
from ome_zarr_models.v05.image_label import ImageLabel

store = sys.argv[1]
said = []
for name in ("A/1.tif/labels/Flecken µ", "B/groß%3A1.tif/labels/nucleus"):
    ImageLabel.from_zarr(zarr.open_group(f"{store}/{name}", mode="r"))
    (node,) = Reader(parse_url(f"{store}/{name}"))()
    said.append([node.load(Label) is not None, [list(level.shape) for level in node.data], int(node.data[0].sum())])
print(json.dumps(said))
"""
    store = publish(tmp_path, partitions)
    ran = subprocess.run(
        [environment("python3.12", "ome-zarr>=0.18"), "-c", script, store],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == [
        [True, [[3, 4]], 6],
        [True, [[1030, 2600], [515, 1300], [258, 650]], int(LARGE.sum())],
    ]
