"""Formats of microscopes' makers, by the library bioio."""

import csv
import signal
import threading
from pathlib import Path

import liffile
import numpy as np
import pytest
import tifffile

from tasks.core.errors import ConfigError, InputError, PixelError
from tasks.core.transforms import PixelWindow
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.library import client
from tasks.ingest.library.client import Library
from tasks.ingest.listing import ImageListing, list_images
from tasks.ingest.load import load_images, read_planes
from tasks.ingest.references import from_frame


def listed(path: Path, **load: object) -> ImageListing:
    config = Load.model_validate(load)
    return list_images([str(path)], config=config, partition_size=1, limit=None, seed=0, work=Path("/w/work"))


def test_every_plane_of_czi_files_has_the_sum_that_zeiss_reader_finds(data_root: Path) -> None:
    with (data_root / "czi" / "planes_read_by_pylibCZIrw.csv").open() as file:
        planes = [row for row in csv.DictReader(file) if row["samples"] == "1"]
    expected: dict[str, dict[tuple[int, int, int], tuple[int, ...]]] = {}
    for row in planes:
        at = int(row["T"]), int(row["Z"]), int(row["C"])
        expected.setdefault(row["file"], {})[at] = int(row["height"]), int(row["width"]), int(float(row["sum"]))
    assert len(expected) == 8
    for name, known in expected.items():
        listing = listed(data_root / "czi" / name)
        found = {}
        for reference in from_frame(listing.index):
            for z, channels in enumerate(read_planes(reference, channels=listing.images.channels)):
                for channel, plane in enumerate(channels):
                    found[reference.index or 0, z, channel] = (*plane.shape, int(plane.sum(dtype=np.int64)))
        assert found == known, name


def test_a_czi_has_the_pixels_of_its_ome_tiff(data_root: Path) -> None:
    listing = listed(data_root / "czi" / "FOV7_HV110_P0500510000.czi")
    (own,) = load_images(from_frame(listing.index), channels=listing.images.channels).images
    np.testing.assert_array_equal(
        own, tifffile.imread(data_root / "czi" / "FOV7_HV110_P0500510000.ome.tiff")[np.newaxis]
    )


def test_what_a_file_tells_beside_its_pixels(data_root: Path) -> None:
    listing = listed(data_root / "czi" / "mosaic_test.czi")
    (reference,) = from_frame(listing.index)
    assert listing.images.channels.names == ("EGFP",)
    assert reference.metadata == {"acquired": "2019-12-07T00:34:54.377309+00:00", "objective": "10x/0.45Air"}
    assert reference.measures == pytest.approx(
        {
            "pixel_size_x": 13 / 12,
            "pixel_size_y": 13 / 12,
            "pixel_size_z": 1.0,
            "stage_x": 59892.178,
            "stage_y": 35091.215,
        }
    )


def test_a_window_of_a_mosaic_goes_over_its_tiles(data_root: Path) -> None:
    listing = listed(data_root / "czi" / "mosaic_test.czi")
    references, channels = from_frame(listing.index), listing.images.channels
    (uncut,) = load_images(references, channels=channels).images
    (part,) = load_images(references, channels=channels, region=PixelWindow(100, 300, 800, 1000)).images
    assert uncut is not None
    np.testing.assert_array_equal(part, uncut[:, 100:300, 800:1000])


def test_time_points_and_scenes_are_images_of_their_own(data_root: Path) -> None:
    index = build_index([data_root / "czi" / "CD_s_1_t_3_c_2_z_5.czi"], config=Load())
    assert [reference.image for reference in index.references] == [
        f"CD_s_1_t_3_c_2_z_5.czi#{time}" for time in range(3)
    ]
    assert {reference.depth for reference in index.references} == {5}
    index = build_index([data_root / "lif"], config=Load())
    scenes = [reference.metadata["scene"] for reference in index.references]
    assert [scenes.count(name) for name in ("xzt", "xzy", "xz")] == [20, 1, 1]
    assert index.references[0].image == "lif/testdata_2channel_xz.lif#xzt#0"


def test_scans_of_a_lif_along_z_are_images_of_rows_of_z(data_root: Path) -> None:
    path = data_root / "lif" / "testdata_2channel_xz.lif"
    listing = listed(path)
    with liffile.LifFile(path) as file:
        times, planes, single = (image.asarray() for image in file.images)
    for reference in from_frame(listing.index):
        (*_, own) = read_planes(reference, channels=listing.images.channels)
        if reference.metadata["scene"] == "xzt":
            expected = times[reference.index]
        elif reference.metadata["scene"] == "xzy":
            assert reference.depth == 128
            expected = np.moveaxis(planes, 0, 1)[:, :, -1]
        else:
            expected = single
        np.testing.assert_array_equal(own, expected)


def test_channels_are_chosen_by_the_files_own_names(data_root: Path) -> None:
    path = data_root / "czi" / "CD_s_1_t_3_c_2_z_5.czi"
    both, one = listed(path), listed(path, channels={"actin": "LED470"})
    first = next(read_planes(from_frame(both.index)[0], channels=both.images.channels))
    own = next(read_planes(from_frame(one.index)[0], channels=one.images.channels))
    np.testing.assert_array_equal(own, first[1:])


@pytest.mark.parametrize("content", [b"", b"nothing", b"ZISRAWFILE" + bytes(600)])
def test_files_that_are_damaged_are_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.czi").write_bytes(content)
    with pytest.raises(InputError, match="none of the 1 images in the input is usable"):
        build_index([tmp_path], config=Load())


def test_a_library_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.czi").write_bytes(b"ZISRAWFILE")
    monkeypatch.setattr("tasks.ingest.readers.bioio.library", Library)
    monkeypatch.setenv("SCIP_BIOIO_PYTHON", "/usr/bin/env")
    with pytest.raises(ConfigError, match=r"load.reader: bioio cannot be imported by /usr/bin/env"):
        build_index([tmp_path], config=Load())
    monkeypatch.setenv("SCIP_BIOIO_PYTHON", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"SCIP_BIOIO_PYTHON: '.*none' cannot be run"):
        build_index([tmp_path], config=Load())


def test_a_file_that_ends_the_librarys_process_is_set_aside(data_root: Path) -> None:
    asked = Library("bioio")
    good = str(data_root / "czi" / "FOV7_HV110_P0500510000.czi")
    assert [scene.height for scene in asked.scenes(good)] == [512]
    process = asked._process
    assert process is not None
    process.kill()
    process.wait()
    assert [scene.width for scene in asked.scenes(good)] == [512]  # a process that ended between questions is replaced
    killed = asked._process
    assert killed is not None
    killed.send_signal(signal.SIGSTOP)
    threading.Timer(0.5, killed.send_signal, [signal.SIGSEGV]).start()
    threading.Timer(0.6, killed.send_signal, [signal.SIGCONT]).start()
    with pytest.raises(PixelError, match="ended the process in which bioio reads it, by signal SIGSEGV; it is damaged"):
        asked.scenes(good)
    assert len(asked.scenes(good)) == 1


def test_what_is_left_of_an_answer_is_not_taken_for_the_next_one(
    data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Library("bioio")
    good = str(data_root / "czi" / "FOV7_HV110_P0500510000.czi")
    (before,) = asked.scenes(good)

    def exhausted(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(client, "bytearray", exhausted, raising=False)
        with pytest.raises(MemoryError):
            asked.scenes(good)
    assert asked.scenes(good) == [before]


def test_a_file_that_cannot_be_opened_now_is_tried_again_in_the_next_run(data_root: Path) -> None:
    asked = Library("bioio")
    with pytest.raises(FileNotFoundError):
        asked.scenes("/none.czi")
    assert len(asked.scenes(str(data_root / "czi" / "FOV7_HV110_P0500510000.czi"))) == 1
    process = asked._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    threading.Timer(0.5, process.kill).start()
    window = PixelWindow(0, 1, 0, 1)
    with pytest.raises(OSError, match="was ended by signal SIGKILL"):
        asked.read("/none.czi", scene=0, time=0, z=0, channels=[0], region=window)
