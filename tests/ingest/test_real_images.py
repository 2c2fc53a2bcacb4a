"""Real data sets of every kind that is read."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tasks.ingest.channels import Channels, resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.index import Index, build_index
from tasks.ingest.load import LoadedBatch, load_images


def read(given: Path | str, *, most: int = 60, **load: Any) -> tuple[Index, Channels, LoadedBatch]:  # noqa: ANN401
    config = Load.model_validate(load)
    index = build_index([given], config=config)
    channels, _ = resolve_channels(index.references, config=config)
    return index, channels, load_images(index.references[:: -(-len(index.references) // most)], channels=channels)


def test_the_ragged_zarr_equals_an_independent_decoding(data_root: Path) -> None:
    index, channels, loaded = read(data_root / "ifc_pbmc_multiframe" / "test.zarr")
    assert [reference.object_number for reference in index.references][:3] == [809, 3462, 7297]
    assert channels.count == 7
    assert loaded.faults == []
    with np.load(data_root / "ifc_pbmc_multiframe" / "test_zarr_decoded.npz") as decoded:
        assert len(index.references) == len(decoded.files) == 10
        for position, image in enumerate(loaded.images):
            assert image is not None
            assert image.dtype == np.uint16
            np.testing.assert_array_equal(image, decoded[f"obj_{position}"])


def test_cell_cycle_stamps_are_counted_by_phase(data_root: Path) -> None:
    pattern = r"images/(?P<phase>\w+)/\w+_(?P<cell>\d+)\.tif"
    index, channels, loaded = read(data_root / "ifc_jurkat_cellcycle" / "images", pattern=pattern)
    assert len(index.references) == 1_258
    phases = Counter(reference.metadata["phase"] for reference in index.references)
    assert phases["G1"] == phases["G2"] == phases["S_phase"] == 300
    assert (channels.count, loaded.faults) == (3, [])
    assert {image.shape for image in loaded.images if image is not None} == {(3, 40, 40)}


def test_frames_of_pbmc_stamps_are_channels(data_root: Path) -> None:
    index, channels, loaded = read(f"{data_root}/ifc_pbmc_multiframe/*.tiff", reader="multiframe_tiff")
    assert (len(index.references), channels.count, loaded.faults) == (11, 8, [])
    for reference, image in zip(index.references, loaded.images, strict=True):
        np.testing.assert_array_equal(image, tifffile.imread(reference.paths[0]))


@pytest.mark.parametrize(
    ("folder", "pattern", "names", "images", "dtype"),
    [
        (
            "ifc_pbmc_multiframe/fields",
            r"test(?P<field>\d)_(?P<channel>\d)",
            ("1", "2"),
            ["fields/test1_*.tiff", "fields/test2_*.tiff"],
            "uint16",
        ),
        (
            "hcs_examplehuman",
            r"f00d(?P<channel>\d)",
            ("0", "1", "2"),
            ["hcs_examplehuman/AS_09125_050116030001_D03f00d*.tif"],
            "uint8",
        ),
        (
            "hcs_nf1/images",
            r"(?P<well>[A-Z]\d+)_01_\d_(?P<site>\d)_(?P<channel>[A-Z]+)_",
            ("DAPI", "GFP", "RFP"),
            ["images/B7_01_1_3_*_001.tif", "images/D6_01_1_2_*_001.tif", "images/D7_01_1_1_*_001.tif"],
            "uint16",
        ),
        (
            "hcs_cellpainting6ch/images/orig",
            r"(?P<field>r\d+c\d+f\d+)p01-ch(?P<channel>\d)",
            ("1", "2", "3", "4", "5", "6"),
            ["orig/r03c03f03p01-ch*sk1fk1fl1.tiff"],
            "uint16",
        ),
    ],
)
def test_fields_of_a_file_per_channel(
    folder: str, pattern: str, names: tuple[str, ...], images: list[str], dtype: str, data_root: Path
) -> None:
    index, channels, loaded = read(data_root / folder, pattern=pattern)
    assert [reference.image for reference in index.references] == images
    assert channels.names == names
    assert loaded.faults == []
    for reference, image in zip(index.references, loaded.images, strict=True):
        assert image is not None
        assert image.dtype == dtype
        np.testing.assert_array_equal(image, np.stack([tifffile.imread(path) for path in reference.paths]))


def test_fields_of_one_grey_channel_may_differ_in_size(data_root: Path) -> None:
    index, channels, loaded = read(data_root / "seg_dsb2018" / "images")
    assert (len(index.references), channels.names, loaded.faults) == (27, ("c0",), [])
    shapes = {image.shape for image in loaded.images if image is not None}
    assert {(1, 256, 256), (1, 520, 696)} <= shapes


def test_an_ome_tiff_is_read_by_its_channels_names(data_root: Path) -> None:
    path = data_root / "ometiff" / "fly_POS002_CYX.ome.tif"
    assert read(path)[1].names == ("DNA", "pH3", "Actin")
    _, channels, loaded = read(path, channels={"actin": "Actin", "nuclei": "DNA"})
    assert channels.names == ("actin", "nuclei")
    np.testing.assert_array_equal(loaded.images[0], tifffile.imread(path)[[2, 0]])
