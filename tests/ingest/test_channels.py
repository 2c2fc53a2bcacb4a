"""Which channels the images have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import ConfigError, InputError
from tasks.core.types import AnyArray
from tasks.ingest.channels import PROBED, Channels, Probe, resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.readers.image import ImageReader

WriteTiff = Callable[..., AnyArray]


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
    ("channels", "told"),
    [
        ({"PI": 3}, "channel 'PI' has the source 3, but the files have 3 channels; allowed: 0 to 2"),
        (
            {"PI": "Ch4"},
            "channel 'PI' has the source 'Ch4', but the files do not name their channels; allowed: an index",
        ),
    ],
)
def test_a_channel_that_is_not_there_is_a_configuration_error(
    channels: dict[str, object], told: str, tmp_path: Path, write_tiff: WriteTiff
) -> None:
    write_tiff(tmp_path / "a.tif")
    with pytest.raises(ConfigError) as error:
        resolve(tmp_path, channels=channels)
    assert str(error.value).startswith("load.channels: ")
    assert told in str(error.value)
