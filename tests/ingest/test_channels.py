"""Which channels the images have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tasks.core.errors import ConfigError, InputError
from tasks.core.types import AnyArray
from tasks.ingest.channels import PROBED, Channels, Probe, resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.load import LoadedBatch
from tasks.ingest.readers.image import ImageReader

WriteTiff = Callable[..., AnyArray]
ReadAll = Callable[..., LoadedBatch]


def resolve(folder: Path, **load: Any) -> tuple[Channels, Probe]:  # noqa: ANN401
    config = Load.model_validate(load)
    return resolve_channels(build_index([folder], config=config).references, config=config)


def test_all_channels_are_numbered_where_the_file_names_none(tmp_path: Path, write_tiff: WriteTiff) -> None:
    write_tiff(tmp_path / "a.tif", shape=(2, 9, 7))
    channels, probe = resolve(tmp_path)
    assert channels == Channels(names=("c0", "c1"), sources=None, count=2)
    assert probe == Probe(shape=(2, 9, 7), dtype="uint16", bytes_per_image=2 * 9 * 7 * 2, probed=1, failed=0)


def test_configured_channels_count_alone_in_the_size(tmp_path: Path, write_tiff: WriteTiff) -> None:
    write_tiff(tmp_path / "a.tif", shape=(3, 10, 10))
    write_tiff(tmp_path / "b.tif", shape=(3, 10, 11))
    channels, probe = resolve(tmp_path, channels={"PI": 2})
    assert channels == Channels(names=("PI",), sources=(2,), count=3)
    assert probe.bytes_per_image == 210


def test_the_most_frequent_number_of_channels_wins(tmp_path: Path, write_tiff: WriteTiff) -> None:
    for name, count in (("a", 4), ("b", 3), ("c", 3)):
        write_tiff(tmp_path / f"{name}.tif", shape=(count, 5, 5))
    assert resolve(tmp_path)[0].count == 3


def test_of_numbers_equally_frequent_the_first_image_decides(tmp_path: Path, write_tiff: WriteTiff) -> None:
    for name, count in (("a", 4), ("b", 3), ("c", 3), ("d", 4)):
        write_tiff(tmp_path / f"{name}.tif", shape=(count, 5, 5))
    assert resolve(tmp_path)[0].count == 4


def test_at_most_25_headers_are_opened_evenly_spaced(
    tmp_path: Path, write_tiff: WriteTiff, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(49):
        write_tiff(tmp_path / f"{number}.tif", shape=(1, 2, 2))
    opened: list[str] = []
    probe = ImageReader.probe

    def counted(self: ImageReader, reference: Any, *, pattern: str | None) -> Any:  # noqa: ANN401
        opened.append(Path(reference.image).stem)
        return probe(self, reference, pattern=pattern)

    monkeypatch.setattr(ImageReader, "probe", counted)
    resolve(tmp_path)
    assert [int(name) for name in opened] == list(range(0, 49, 2))
    assert len(opened) == PROBED


def test_unreadable_headers_are_passed_over(tmp_path: Path, write_tiff: WriteTiff) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    write_tiff(tmp_path / "b.tif")
    channels, probe = resolve(tmp_path)
    assert channels.count == 3
    assert (probe.probed, probe.failed) == (2, 1)


def test_nothing_readable_is_an_error_that_names_the_first(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_bytes(b"not an image")
    with pytest.raises(InputError, match=r"none of the 2 images that were tried can be read; the first, .*a\.tif: "):
        resolve(tmp_path)
    with pytest.raises(InputError, match="no image"):
        resolve_channels([], config=Load())


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ({"PI": 3}, "channel 'PI' has the source 3, but the files have 3 channels; allowed: 0 to 2"),
        (
            {"PI": "Ch4"},
            "channel 'PI' has the source 'Ch4', but the files do not name their channels; allowed: an index",
        ),
    ],
)
def test_a_channel_that_is_not_there_is_a_configuration_error(
    channels: dict[str, object], message: str, tmp_path: Path, write_tiff: WriteTiff
) -> None:
    write_tiff(tmp_path / "a.tif")
    with pytest.raises(ConfigError) as error:
        resolve(tmp_path, channels=channels)
    assert str(error.value).startswith("load.channels: ")
    assert message in str(error.value)


def write_named(path: Path, *labels: str, form: str = "ome") -> None:
    """Write a TIFF of a plane per label, all of whose pixels are the number of the label's letters."""
    pixels = np.stack([np.full((4, 5), len(label), dtype=np.uint16) for label in labels])
    if form == "ImageJ":
        tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "CYX", "Labels": list(labels)})
    else:
        named = {"axes": "CYX", "Channel": {"Name": list(labels)}}
        tifffile.imwrite(path, pixels, ome=True, photometric="minisblack", metadata=named)


@pytest.mark.parametrize("form", ["ome", "ImageJ"])
@pytest.mark.parametrize("reader", ["image", "multiframe_tiff"])
def test_channels_are_called_and_chosen_as_the_file_names_them(form: str, reader: str, tmp_path: Path) -> None:
    write_named(tmp_path / "a.tif", "DAPI", "GFP", form=form)
    channels, _ = resolve(tmp_path, reader=reader)
    assert channels == Channels(names=("DAPI", "GFP"), sources=None, count=2, labels=("DAPI", "GFP"))
    by_name, _ = resolve(tmp_path, reader=reader, channels={"ER": "GFP"})
    assert by_name == Channels(names=("ER",), sources=(1,), count=2, labels=("DAPI", "GFP"))
    by_position, _ = resolve(tmp_path, reader=reader, channels={"ER": 1})
    assert by_position == Channels(names=("ER",), sources=(1,), count=2)
    with pytest.raises(ConfigError, match="no such channel; allowed: DAPI, GFP; did you mean 'DAPI'"):
        resolve(tmp_path, reader=reader, channels={"DNA": "dapi"})


@pytest.mark.parametrize("reader", ["image", "multiframe_tiff"])
def test_files_in_another_order_are_read_by_name_and_other_names_are_a_fault(
    reader: str, tmp_path: Path, read_all: ReadAll
) -> None:
    for number, labels in enumerate([("DAPI", "GFP"), ("GFP", "DAPI"), ("DAPI", "GFP"), ("DAPI", "mCherry")]):
        write_named(tmp_path / f"{number}.tif", *labels)
    for channels, expected in (({"DNA": "DAPI", "ER": "GFP"}, [4, 3]), ({}, [4, 3]), ({"ER": "GFP"}, [3])):
        loaded = read_all(tmp_path, reader=reader, channels=channels)
        for image in loaded.images[:3]:
            assert image is not None
            assert image[:, 0, 0].tolist() == expected
        (fault,) = loaded.faults
        assert "names its channels DAPI, mCherry and lacks GFP, which the other images have" in fault.message
    by_position = read_all(tmp_path, reader=reader, channels={"first": 0})
    assert [None if image is None else int(image[0, 0, 0]) for image in by_position.images] == [4, 3, 4, 4]


def test_labels_that_each_file_has_of_its_own_name_no_channels(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_named(tmp_path / f"{name}.tif", f"{name}:1/2", f"{name}:2/2", form="ImageJ")
    assert resolve(tmp_path)[0] == Channels(names=("c0", "c1"), sources=None, count=2)
    with pytest.raises(ConfigError, match=r"do not name their channels alike \(the first has a:1/2, a:2/2\)"):
        resolve(tmp_path, channels={"DNA": "DAPI"})


@pytest.mark.parametrize("labels", [("DAPI", ""), ("DAPI", "DAPI")])
def test_names_that_tell_no_channels_apart_are_none(labels: tuple[str, ...], tmp_path: Path) -> None:
    write_named(tmp_path / "a.tif", *labels)
    assert resolve(tmp_path)[0].names == ("c0", "c1")
